export { type AdapterRecord, materializeAdapter, storeAdapterFiles } from './adapters.ts'
export {
  type BaseRecord,
  BUNDLED_BASE,
  type FoundBase,
  findBase,
  inspectBase,
  recordBase,
  requireRecordedBase,
} from './bases.ts'
export { EngineHost, type ModelReference } from './engine-host.ts'
