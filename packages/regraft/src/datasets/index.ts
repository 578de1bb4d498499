import { buildOperation } from './build.ts'
import { piiOperation } from './pii.ts'
import { sealOperation } from './seal.ts'

export { latestSnapshot } from './build.ts'
export { buildSnapshot } from './build-snapshot.ts'
export { canariesOf } from './canaries.ts'
export type { ExampleKind } from './candidates.ts'
export { kindOf, type SnapshotManifest, type SnapshotRow, type Suite, type SuiteItem } from './manifest.ts'
export { listSuites, requireSuite } from './suite.ts'

export const datasetOperations = [sealOperation, buildOperation, piiOperation]
