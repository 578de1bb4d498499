import { findRateOperation } from './find-rate.ts'
import { previewOperation } from './preview.ts'
import { runOperation } from './run.ts'
import { showOperation } from './show.ts'

export { LATEST_ADAPTER, type Recipe } from './recipe.ts'
export { trainingReporter } from './report.ts'
export { type RunRecord, trainAdapter } from './train-adapter.ts'

export const trainingOperations = [previewOperation, findRateOperation, runOperation, showOperation]
