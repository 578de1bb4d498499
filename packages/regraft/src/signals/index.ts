export { compileRows } from './compile-rows.ts'
export {
  type CompiledExample,
  type CompiledRow,
  EXAMPLE_KINDS,
  type ExampleBody,
  type ExampleKind,
  type Provenance,
  type SignalDropReason,
} from './examples.ts'
export type { Policy } from './use.ts'
export { UNCALIBRATED } from './use.ts'
