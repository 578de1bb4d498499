export { type BinaryLogistic, fitBinaryLogistic } from './binary-logistic.ts'
export { binomialPmf, binomialTail } from './binomial.ts'
export { clopperPearsonLower, clopperPearsonUpper } from './clopper-pearson.ts'
export { independentDifference } from './independent-difference.ts'
export type { Interval } from './interval.ts'
export { mcnemarExact } from './mcnemar.ts'
export { type NonInferiority, nonInferiority } from './non-inferiority.ts'
export { normalCdf, normalQuantile } from './normal.ts'
export { type BootstrapOptions, pairedBootstrap } from './paired-bootstrap.ts'
export { countPairs, type PairedCounts, pairedDifference } from './paired-difference.ts'
export { median, percentile } from './percentile.ts'
export { rankAuc } from './rank-auc.ts'
export {
  type IndependentDifferenceDesign,
  itemsForIndependentDifference,
  itemsForNonInferiority,
  itemsForPairedDifference,
  type NonInferiorityDesign,
  type PairedDifferenceDesign,
} from './sample-size.ts'
export { wilsonInterval } from './wilson.ts'
