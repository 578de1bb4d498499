export { type AnswerDrift, answerDrift } from './answer-drift.ts'
export { benjaminiHochberg } from './benjamini-hochberg.ts'
export { type BinaryLogistic, fitBinaryLogistic } from './binary-logistic.ts'
export { binomialPmf, binomialTail } from './binomial.ts'
export {
  type BradleyTerry,
  type BradleyTerryOptions,
  bradleyTerry,
  type Comparison,
} from './bradley-terry.ts'
export { type CalibrationError, calibrationError } from './calibration-error.ts'
export {
  type CalibrationTest,
  type CalibrationTestOptions,
  calibrationTest,
  type StatisticUnderNull,
} from './calibration-test.ts'
export { calibrationTolerance, itemsForCalibration, type ToleranceOptions } from './calibration-tolerance.ts'
export { clopperPearsonInterval, clopperPearsonLower, clopperPearsonUpper } from './clopper-pearson.ts'
export {
  equivalenceOfMeans,
  nonInferiorityOfMeans,
  superiorityOfMeans,
} from './comparisons-of-means.ts'
export { type BoundedOptions, confidenceSequence } from './confidence-sequence.ts'
export { type ConjunctionPower, conjunctionPower } from './conjunction-power.ts'
export type { Decision } from './decision.ts'
export { delongAuc, delongDifference, type ScoresByKind } from './delong.ts'
export { type DistributionDistance, distributionDistance } from './distribution-distance.ts'
export { equivalence } from './equivalence.ts'
export { exactPairedDifference } from './exact-paired-difference.ts'
export { fisherExact } from './fisher.ts'
export { holm } from './holm.ts'
export { independentDifference } from './independent-difference.ts'
export type { Interval } from './interval.ts'
export { itemsForProportion, type ProportionDesign, powerOfProportion } from './items-for-proportion.ts'
export {
  type LengthControlledWinRate,
  lengthControlledWinRate,
  type PairwiseJudgement,
} from './length-controlled.ts'
export { mcnemarExact } from './mcnemar.ts'
export { nonInferiority } from './non-inferiority.ts'
export { normalCdf, normalQuantile } from './normal.ts'
export { type MixtureOptions, mixtureSprt, normalMixtureSequence } from './normal-mixture.ts'
export { type BootstrapOptions, type PairedBootstrapOptions, pairedBootstrap } from './paired-bootstrap.ts'
export { countPairs, type PairedCounts, pairedDifference } from './paired-difference.ts'
export { type PermutationOptions, pairedPermutation } from './paired-permutation.ts'
export { type PartialPooling, partialPooling, type Slice } from './partial-pooling.ts'
export { meanPassAtK, passAtK } from './pass-at-k.ts'
export { median, percentile } from './percentile.ts'
export { type PercentileBounds, percentileBounds, valuesForPercentile } from './percentile-bounds.ts'
export { powerOfEquivalence, powerOfNonInferiority, powerOfPairedDifference } from './power.ts'
export { rankAuc } from './rank-auc.ts'
export {
  type IndependentDifferenceDesign,
  itemsForEquivalence,
  itemsForIndependentDifference,
  itemsForMeans,
  itemsForNonInferiority,
  itemsForPairedDifference,
  type MeansDesign,
  type NonInferiorityDesign,
  type PairedDifferenceDesign,
} from './sample-size.ts'
export { type SeedEquivalence, seedDifference, seedEquivalence } from './seed-difference.ts'
export { seedsToSettle } from './seeds-to-settle.ts'
export { type SequentialDecision, sequentialNonInferiority, sequentialSuperiority } from './sequential.ts'
export { itemsForSequential } from './sequential-size.ts'
export { studentCdf, studentQuantile } from './student.ts'
export { type MeanOptions, studentizedBootstrap } from './studentized-bootstrap.ts'
export { superiority } from './superiority.ts'
export { type TemperatureScaling, temperatureScaling } from './temperature.ts'
export { unpairedBootstrap } from './unpaired-bootstrap.ts'
export { unpairedPermutation } from './unpaired-permutation.ts'
export { wilsonInterval } from './wilson.ts'
