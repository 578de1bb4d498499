import { importOperation } from '../../capture/index.ts'
import { datasetOperations, vaultOperations } from '../../datasets/index.ts'
import { fleetOperations } from '../../fleet/index.ts'
import { gateOperations } from '../../gates/index.ts'
import { jobOperations } from '../../jobs/index.ts'
import { modelOperations } from '../../models/index.ts'
import type { AnyOperation } from '../../operation/index.ts'
import { signalOperations } from '../../signals/index.ts'
import { trainingOperations } from '../../training/index.ts'
import { configOperations } from './config.ts'
import { keyOperations } from './keys.ts'
import { lineageOperations } from './lineage.ts'

/** Every verb that Regraft offers, in the order of `--help`; the faces (CLI, HTTP, OpenAPI) are derived from this list. */
export const operations: readonly AnyOperation[] = [
  importOperation,
  ...modelOperations,
  ...signalOperations,
  ...datasetOperations,
  ...vaultOperations,
  ...trainingOperations,
  ...gateOperations,
  ...fleetOperations,
  ...lineageOperations,
  ...jobOperations,
  ...configOperations,
  ...keyOperations,
]
