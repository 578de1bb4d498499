import { buildOperation } from './build.ts'
import { sealOperation } from './seal.ts'

export { LATEST_SNAPSHOT } from './build.ts'
export { buildSnapshot } from './build-snapshot.ts'
export type { SnapshotManifest, SnapshotRow, Suite, SuiteItem } from './manifest.ts'
export { listSuites, requireSuite } from './suite.ts'

export const datasetOperations = [sealOperation, buildOperation]
