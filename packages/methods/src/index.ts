export * from './baselines/index.ts'
export { philox4x32, Random, type RandomState } from './random.ts'
export * from './stats/index.ts'
export * from './text/index.ts'
