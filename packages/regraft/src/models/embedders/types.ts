import type { UnitVectors } from '@regraft/methods'
import type { Config } from '../../config/schema.ts'
import type { SealedLedger } from '../../lineage/index.ts'

/** One entry of `embedders` in regraft.yaml. */
export type EmbedderSettings = Config['embedders'][string]

/** Turns texts into vectors of which like texts have near ones. */
export interface Embedder {
  /** Unit vectors of some hundreds of texts, in their order; `truncated` counts texts of which only the beginning was read. */
  embed(texts: readonly string[]): Promise<{ vectors: UnitVectors; truncated: number }>
  close(): Promise<void>
}

/** What an embedder may use while it is open. */
export interface EmbedderContext {
  /** Texts that everything else is compared with: an embedder may weigh features by how often they occur in them. */
  items: readonly string[]
  /** For answers from outside. */
  ledger: SealedLedger
  signal: AbortSignal
}

/** An embedder of a name that can be opened. */
export interface EmbedderSource {
  name: string
  kind: EmbedderKind['kind']
  /** Of all that decides what vector a text gets: weights, tokenizer and pooling; of an endpoint its address and model. */
  digest: string
  /** Whether the texts leave this machine's processes. */
  external: boolean
  /** Similarity from which rows are reported where nobody says another †. */
  reportFrom: number
  open(context: EmbedderContext): Promise<Embedder>
}

/** A kind of embedder: which settings are its own, and the source that they make. */
export interface EmbedderKind {
  kind: 'built-in' | 'folder' | 'endpoint'
  fits(settings: EmbedderSettings): boolean
  /** Throws for settings that lead nowhere. */
  source(name: string, settings: EmbedderSettings): Promise<EmbedderSource>
}
