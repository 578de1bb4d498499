export { commandLine, kebabCase, shellWord } from './command-line.ts'
export { type AnyOperation, defineOperation } from './define.ts'
export { describeError, type ErrorDescription, invalidInput } from './describe-error.ts'
export {
  fileMark,
  InputFile,
  LocalPath,
  looksLikePath,
  NameOrPath,
  OutputFile,
  OutputText,
  requireLocal,
} from './files.ts'
export { parseInput, runOperation } from './run.ts'
export { allows, checkScope, SCOPES, type Scope } from './scope.ts'
export { findUnstorable, findUnstorableIn } from './storable.ts'
export type {
  Log,
  OperationContext,
  Principal,
  ProgressEvent,
  Services,
  TextStyle,
} from './types.ts'
