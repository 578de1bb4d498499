import { jobOperations } from '../../jobs/index.ts'
import type { AnyOperation } from '../../operation/index.ts'
import { configOperations } from './config.ts'
import { keyOperations } from './keys.ts'

/** Every verb that Regraft offers; the faces (CLI, HTTP, OpenAPI) are derived from this list. */
export const operations: readonly AnyOperation[] = [...configOperations, ...jobOperations, ...keyOperations]
