import { endOfLifeOperation } from './end-of-life.ts'
import { fingerprintOperation } from './fingerprint.ts'
import { listOperation } from './list.ts'
import { pullOperation } from './pull.ts'
import { showOperation } from './show.ts'

export {
  ADAPTER_FILES,
  type AdapterRecord,
  materializeAdapter,
  storeAdapterFiles,
  WAIVABLE,
} from './adapters.ts'
export {
  type AbsentBase,
  type AnyBase,
  type BaseRecord,
  BUNDLED_BASE,
  BUNDLED_PATH,
  baseNames,
  type FoundBase,
  findBase,
  type HostedBase,
  inspectBase,
  isLocalBase,
  recordBase,
  requireLocalBase,
  requireRecordedBase,
} from './bases.ts'
export { readCardMetadata } from './card-metadata.ts'
export { askChat, type ChatSettings } from './chat.ts'
export {
  type BaseSearch,
  findAdapterBase,
  judgeCompatibility,
} from './compatibility/index.ts'
export { type Embedder, type EmbedderSource, NO_EMBEDDER, requireEmbedder } from './embedders/index.ts'
export { EngineHost, type ModelReference } from './engine-host.ts'
export { findHostedBase, fingerprintAlias } from './fingerprint.ts'
export { compareFingerprints, type Fingerprint } from './fingerprint-step.ts'
export { type FormTraits, traitsOf } from './forms.ts'
export { licenceOfBase } from './licence.ts'
export { latestModelList } from './model-list.ts'
export { PROBES, PROBES_VERSION } from './probes.ts'
export { recordedRevision, repositoryOf } from './pulled-bases.ts'

export const modelOperations = [
  pullOperation,
  listOperation,
  showOperation,
  endOfLifeOperation,
  fingerprintOperation,
]
