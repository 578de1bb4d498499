export { benjaminiHochberg } from './benjamini-hochberg.ts'
export { type BinaryLogistic, fitBinaryLogistic } from './binary-logistic.ts'
export { binomialPmf, binomialTail } from './binomial.ts'
export { clopperPearsonLower, clopperPearsonUpper } from './clopper-pearson.ts'
export type { Decision } from './decision.ts'
export { equivalence } from './equivalence.ts'
export { exactPairedDifference } from './exact-paired-difference.ts'
export { holm } from './holm.ts'
export { independentDifference } from './independent-difference.ts'
export type { Interval } from './interval.ts'
export { mcnemarExact } from './mcnemar.ts'
export { nonInferiority } from './non-inferiority.ts'
export { normalCdf, normalQuantile } from './normal.ts'
export { type BootstrapOptions, pairedBootstrap } from './paired-bootstrap.ts'
export { countPairs, type PairedCounts, pairedDifference } from './paired-difference.ts'
export { type PermutationOptions, pairedPermutation } from './paired-permutation.ts'
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
export { superiority } from './superiority.ts'
export { wilsonInterval } from './wilson.ts'
