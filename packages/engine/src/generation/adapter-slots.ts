import {
  LINEAR_GROUPS,
  LINEAR_NAMES,
  type LinearGroup,
  type LinearName,
  linearShapes,
} from '../decoder/layer.ts'
import { type LayerLora, loraByLayer } from '../decoder/lora.ts'
import type { Adapter, DecoderConfig } from '../formats/types.ts'
import { type Feeds, tensorOver } from '../graph/session.ts'

/** An adapter that requests can name; its own object, so that another one may take its name while rows still use it. */
export interface LoadedAdapter {
  readonly name: string
  readonly layers: LayerLora[]
}

export type Ranks = Record<LinearName, number>

const GROUPS = Object.keys(LINEAR_GROUPS) as LinearGroup[]

export function loadedAdapter(config: DecoderConfig, name: string, adapter: Adapter): LoadedAdapter {
  return { name, layers: loraByLayer(config, adapter) }
}

/** The largest rank of each linear over adapters and layers. */
export function largestRanks(adapters: Iterable<LoadedAdapter>): Ranks {
  const ranks = Object.fromEntries(LINEAR_NAMES.map((name) => [name, 0])) as Ranks
  for (const { layers } of adapters) {
    for (const layer of layers) {
      for (const name of LINEAR_NAMES) ranks[name] = Math.max(ranks[name], layer[name]?.rank ?? 0)
    }
  }
  return ranks
}

/**
 * The adapters of a batch side by side, in tensors [slots, …] that a run reads from: an adapter is copied into a slot when
 * a row first needs it and stays there until the slot is needed for another. Smaller ranks and missing linears are
 * zeros.
 */
export class AdapterSlots {
  readonly ranks: Ranks
  #config: DecoderConfig
  #slots = 0
  #owners: (LoadedAdapter | null)[] = []
  #lastUse: number[] = []
  #clock = 0
  #arrays = new Map<string, { data: Float32Array; shape: [number, number] }>()
  #feeds = new Map<string, Feeds>()

  constructor(config: DecoderConfig, ranks: Ranks) {
    this.#config = config
    this.ranks = ranks
  }

  /** Makes sure that there is a slot at all, for a batch of rows without adapters. */
  reserveOne(): void {
    if (this.#slots === 0) this.#grow(1)
  }

  /** Puts the adapters into slots, those not yet there into free or longest unused ones; returns the slot of each. */
  place(adapters: readonly LoadedAdapter[]): number[] {
    if (adapters.length > this.#slots) this.#grow(2 ** Math.ceil(Math.log2(adapters.length)))
    this.#clock++
    const slots = adapters.map((adapter) => this.#owners.indexOf(adapter))
    for (const slot of slots) if (slot >= 0) this.#lastUse[slot] = this.#clock
    for (const [i, adapter] of adapters.entries()) {
      if (slots[i]! >= 0) continue
      let slot = 0
      for (let other = 1; other < this.#slots; other++) {
        if (this.#lastUse[other]! < this.#lastUse[slot]!) slot = other
      }
      this.#write(slot, adapter)
      this.#lastUse[slot] = this.#clock
      slots[i] = slot
    }
    return slots
  }

  /** Tensors of `count` slots from `first` on, by the names of the decoding graph. */
  tensors(first: number, count: number): Feeds {
    const key = `${first}:${count}`
    const known = this.#feeds.get(key)
    if (known) return known
    const feeds: Feeds = {}
    for (const [name, { data, shape }] of this.#arrays) {
      const size = shape[0] * shape[1]
      feeds[name] = tensorOver(data.subarray(first * size, (first + count) * size), [count, ...shape])
    }
    this.#feeds.set(key, feeds)
    return feeds
  }

  /** Forgets an adapter that is used no more. */
  drop(adapter: LoadedAdapter): void {
    const slot = this.#owners.indexOf(adapter)
    if (slot < 0) return
    this.#owners[slot] = null
    this.#lastUse[slot] = 0
  }

  #grow(slots: number): void {
    const shapes = linearShapes(this.#config)
    const put = (name: string, shape: [number, number]) => {
      const data = new Float32Array(slots * shape[0] * shape[1])
      const old = this.#arrays.get(name)
      if (old) data.set(old.data)
      this.#arrays.set(name, { data, shape })
    }
    for (let layer = 0; layer < this.#config.numHiddenLayers; layer++) {
      for (const group of GROUPS) {
        const rank = this.#groupRank(group)
        if (rank === 0) continue
        put(`${layer}.${group}.a`, [rank, shapes[LINEAR_GROUPS[group][0]].inFeatures])
        for (const name of LINEAR_GROUPS[group]) {
          put(`${layer}.${name}.b`, [this.ranks[name], shapes[name].outFeatures])
        }
      }
    }
    this.#slots = slots
    this.#owners.length = slots
    for (let slot = 0; slot < slots; slot++) {
      this.#owners[slot] ??= null
      this.#lastUse[slot] ??= 0
    }
    this.#feeds.clear()
  }

  #groupRank(group: LinearGroup): number {
    return LINEAR_GROUPS[group].reduce((sum, name) => sum + this.ranks[name], 0)
  }

  #write(slot: number, adapter: LoadedAdapter): void {
    this.#owners[slot] = adapter
    const target = (name: string) => {
      const { data, shape } = this.#arrays.get(name)!
      const size = shape[0] * shape[1]
      return data.subarray(slot * size, (slot + 1) * size).fill(0)
    }
    for (const [layer, updates] of adapter.layers.entries()) {
      for (const group of GROUPS) {
        if (this.#groupRank(group) === 0) continue
        const a = target(`${layer}.${group}.a`)
        let row = 0
        for (const name of LINEAR_GROUPS[group]) {
          const b = target(`${layer}.${name}.b`)
          const update = updates[name]
          if (update) {
            a.set(update.a, row * update.inFeatures)
            for (let out = 0; out < update.outFeatures; out++) {
              for (let r = 0; r < update.rank; r++) {
                b[r * update.outFeatures + out] = update.b[out * update.rank + r]! * update.scale
              }
            }
          }
          row += this.ranks[name]
        }
      }
    }
  }
}
