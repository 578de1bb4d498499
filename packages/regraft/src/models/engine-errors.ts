import { EngineError } from '@regraft/engine'
import { RegraftError } from '../errors/index.ts'

/** The engine's codes are a subset of ours; any other failure is passed on unchanged. */
export function asRegraftError(error: unknown): unknown {
  if (!(error instanceof EngineError)) return error
  return new RegraftError(error.code, error.message, { hint: error.hint, cause: error })
}
