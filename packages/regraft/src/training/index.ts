import { findRateOperation } from './find-rate.ts'
import { previewOperation } from './preview.ts'
import { runOperation } from './run.ts'
import { showOperation } from './show.ts'

export { type LoadingVariables, namedFiles, recordedVariables } from './loading-variables.ts'
export { trainingInputs } from './prepare.ts'
export { preparedInputsOf } from './prepared-inputs.ts'
export { previewTokens } from './preview.ts'
export {
  LATEST_ADAPTER,
  RECIPE_SCHEMA,
  type Recipe,
  RecipeOptions,
  type RecipeV1,
  resolveRecipe,
  upcastRecipe,
} from './recipe.ts'
export { requireReference } from './reference.ts'
export { trainingReporter } from './report.ts'
export { readExamples } from './snapshot-examples.ts'
export { type RunRecord, type TrainerEnclosure, trainAdapter } from './train-adapter.ts'

export const trainingOperations = [previewOperation, findRateOperation, runOperation, showOperation]
