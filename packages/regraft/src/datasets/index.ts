import { buildOperation } from './build.ts'
import { dedupOperation } from './dedup.ts'
import { eraseOperation } from './erase.ts'
import { certificateOperation } from './erase-certificate.ts'
import { piiOperation } from './pii.ts'
import { screenOperation } from './screen.ts'
import { sealOperation } from './seal.ts'

export { latestSnapshot } from './build.ts'
export { buildSnapshot } from './build-snapshot.ts'
export { canariesOf } from './canaries.ts'
export { erasureOf, listErasures } from './erasure/index.ts'
export { kindOf, type SnapshotManifest, type SnapshotRow } from './manifest.ts'
export { consentOf } from './sources.ts'
export { listSuites, requireSuite } from './suite.ts'
export {
  excludedItems,
  readSuite,
  type VaultAccess,
  VaultVisit,
  vaultAccess,
  vaultOperations,
} from './vault/index.ts'

export const datasetOperations = [
  sealOperation,
  buildOperation,
  piiOperation,
  dedupOperation,
  screenOperation,
  eraseOperation,
  certificateOperation,
]
