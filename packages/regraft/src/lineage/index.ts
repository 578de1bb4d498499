export { shortDigest } from './digest.ts'
export { type FileReference, filesOf } from './files.ts'
export type { ResponseLedger } from './ledger.ts'
export { type RowOrigins, rowsMadeFrom } from './origins.ts'
export { rowsDerivedFrom, type WalkedRow } from './row-walks.ts'
export { runStep, type StepContext } from './run.ts'
export { SealedLedger } from './sealed-ledger.ts'
export { makeSelection, queryOf, type RowTableName, type Selection, verifySelection } from './selection.ts'
export {
  defineStep,
  type Step,
  type StepCall,
  type StepOutput,
  type StepResult,
  type StepRun,
} from './step.ts'
export { renderLineage } from './tree.ts'
export {
  type Closure,
  type Consequences,
  closure,
  consequences,
  type PathStep,
  path,
  type WalkedArtifact,
} from './walks.ts'
