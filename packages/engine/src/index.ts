export {
  type BaseComparison,
  compareWithBase,
  type TokenizerComparison,
} from './compatibility/compare-with-base.ts'
export {
  type AdapterInspection,
  type InspectedModule,
  type InspectedWeights,
  inspectAdapter,
} from './compatibility/inspect-adapter.ts'
export { identifyEncoder, type Pooling } from './embedding/encoder-folder.ts'
export type { Embeddings } from './embedding/sentence-encoder.ts'
export { EngineError, type EngineErrorCode } from './errors.ts'
export { parseHuggingFaceConfig } from './formats/hugging-face-config.ts'
export {
  changedPart,
  checkAdapterFits,
  ggufLicence,
  openBase,
  readAdapter,
  writeAdapter,
  writeSafetensors,
} from './formats/index.ts'
export type * from './formats/types.ts'
export type {
  Answer,
  DescribedToken,
  GenerateRequest,
  ScoreRequest,
  StreamedToken,
} from './generation/answers.ts'
export type { BatchStats } from './generation/batcher.ts'
export { type DecodePrecision, storedPrecision } from './generation/decode-weights.ts'
export type { Sampling } from './generation/sample.ts'
export type { EncoderInfo } from './protocol/embedding-messages.ts'
export type { InferenceInfo, InferenceOptions } from './protocol/inference-messages.ts'
export { machineLock } from './protocol/machine-lock.ts'
export * from './protocol/messages.ts'
export {
  runPreview,
  runRangeTest,
  runTrainer,
  type TrainerLaunch,
  type TrainerOptions,
  type TrainerResult,
  trainerCommand,
} from './protocol/run-trainer.ts'
export { EmbeddingProcess, type EmbeddingStart } from './protocol/start-embedding.ts'
export { InferenceProcess, type InferenceStart } from './protocol/start-inference.ts'
export { trainerFiles } from './protocol/trainer-files.ts'
export type {
  AnyExample,
  PreferenceExample,
  RatedExample,
  TrainingExample,
} from './training/examples.ts'
export type { TrainingSummary } from './training/fine-tune.ts'
export { LOSSES } from './training/losses/index.ts'
export type { MemoryPlan } from './training/memory-plan.ts'
export type { PreviewedExample } from './training/preview.ts'
export type { LearningRateRange, RangeOptions } from './training/range-test.ts'
export type { LossName, LossRecipe, TrainingRecipe } from './training/recipe.ts'
export {
  type ReferenceLine,
  referenceItems,
  referenceLines,
  type ScoreItem,
} from './training/reference.ts'
