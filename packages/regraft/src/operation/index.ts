export { type AnyOperation, defineOperation } from './define.ts'
export { describeError, type ErrorDescription, invalidInput } from './describe-error.ts'
export { fileMark, InputFile, looksLikePath, NameOrPath, OutputFile, OutputText } from './files.ts'
export { parseInput, runOperation } from './run.ts'
export { allows, SCOPES, type Scope } from './scope.ts'
export { findUnstorable, findUnstorableIn } from './storable.ts'
export type {
  Log,
  OperationContext,
  Principal,
  ProgressEvent,
  Services,
  TextStyle,
} from './types.ts'
