export { writeFileAtomically } from './atomic-write.ts'
export { openBase } from './base.ts'
export { canonicalJson, sha256 } from './canonical-json.ts'
export { changedPart } from './changed-part.ts'
export { tensorShapes } from './decoder-config.ts'
export { type GgufSource, ggufLicence, openGguf } from './gguf.ts'
export type { GgufMetadata, GgufValue } from './gguf-file.ts'
export { isTargeted, resolveLora } from './lora-config.ts'
export { mergeAdapter, writeMerged } from './merge.ts'
export { checkAdapterFits, readAdapter, type WriteAdapterOptions, writeAdapter } from './peft.ts'
export {
  openSafetensors,
  type SafetensorsSource,
  type StoredFloat,
  type TensorToWrite,
  writeSafetensors,
} from './safetensors.ts'
export type * from './types.ts'
