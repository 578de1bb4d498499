import { buildOperation } from './build.ts'
import { dedupOperation } from './dedup.ts'
import { diffOperation } from './diff.ts'
import { eraseOperation } from './erase.ts'
import { certificateOperation } from './erase-certificate.ts'
import { exportOperation } from './export.ts'
import { piiOperation } from './pii.ts'
import { screenOperation } from './screen.ts'
import { sealOperation } from './seal.ts'

export { latestSnapshot } from './build.ts'
export { buildSnapshot } from './build-snapshot.ts'
export { canariesOf } from './canaries.ts'
export { describeCoverage } from './coverage.ts'
export type { DropReason } from './drop-explanations.ts'
export { comparedText } from './duplicates.ts'
export { erasureOf, listErasures } from './erasure/index.ts'
export type { ExportRecord } from './export-step.ts'
export { kindOf, type SnapshotManifest, type SnapshotRow, suitesKeptOut } from './manifest.ts'
export { ANSWERS_KEY } from './paraphrase-step.ts'
export { piiParameters, readNames } from './pii-names.ts'
export { describePlaces } from './row-source.ts'
export { screenAgain } from './screen-again.ts'
export { screenRows } from './screen-rows.ts'
export type { SnapshotScreening } from './screen-snapshot.ts'
export { consentOf } from './sources.ts'
export { splitRows } from './splits/index.ts'
export { listSuites, requireSuite } from './suite.ts'
export {
  evaluationsLeft,
  excludedItems,
  type ItemFacts,
  itemFacts,
  type OpenItem,
  readSuite,
  revealItems,
  type VaultAccess,
  type VaultSuite,
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
  exportOperation,
  diffOperation,
  eraseOperation,
  certificateOperation,
]
