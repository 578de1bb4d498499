export { type BiasJudgement, judgeBias } from './bias.ts'
export { capOfUsers, effectiveNumber } from './effective-number.ts'
export {
  judgeRating,
  type RatingJudgement,
  type RatingOptions,
  type SignalCounts,
} from './likelihood-ratio.ts'
export { type Allocation, type PlannedRule, planJudgements } from './plan-judgements.ts'
export { isSettled, judgePrecision, type PrecisionJudgement, type PrecisionOptions } from './precision.ts'
