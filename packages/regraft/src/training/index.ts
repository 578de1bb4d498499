import { runOperation } from './run.ts'

export type { Recipe } from './recipe.ts'
export { LATEST_ADAPTER, reportTraining, trainingInputs } from './run.ts'
export { type RunRecord, trainAdapter } from './train-adapter.ts'

export const trainingOperations = [runOperation]
