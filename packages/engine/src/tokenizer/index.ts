export type { TokenizerJson } from './tokenizer-json.ts'
export { type TrainBpeOptions, trainBpe } from './train-bpe.ts'
