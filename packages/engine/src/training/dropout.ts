// Dropout on the input of the low-rank updates (Srivastava et al. 2014; Hu et al. 2021). Masks follow from the seed, the
// update and the place of a sequence in it, not from rows or micro-batches: recomputation and a resumed run see the same
// ones, and results do not depend on how the update was cut up. The linears of one input (q, k, v; gate, up) share a
// mask, which PEFT draws for each.
import { Random } from '@regraft/methods'
import type { Batch } from '../decoder/batch.ts'
import { LINEAR_GROUPS, type LinearGroup, linearShapes } from '../decoder/layer.ts'
import type { Dropout } from '../decoder/stack.ts'
import type { DecoderConfig } from '../formats/types.ts'

export interface DropoutOptions {
  config: DecoderConfig
  /** Share of the input that is dropped; taken in steps of 1/65536. */
  rate: number
  seed: number
  update: number
}

/** Masks for one batch; `owners` of the batch must be places in the update. */
export function dropoutMasks(batch: Batch, options: DropoutOptions): Dropout {
  const { config, rate, seed, update } = options
  const shapes = linearShapes(config)
  const dropped = Math.round(rate * 65536)
  const kept = 65536 / (65536 - dropped)
  return (layer, group: LinearGroup) => {
    const width = shapes[LINEAR_GROUPS[group][0]].inFeatures
    const mask = new Float32Array(batch.batch * batch.length * width)
    let owner = -1
    let random: Random | null = null
    for (const [token, sequence] of batch.owners.entries()) {
      if (sequence < 0) continue
      if (sequence !== owner || !random) {
        random = new Random(seed, `dropout/${update}/${layer}/${group}/${sequence}`)
        owner = sequence
      }
      // Two elements from each word; widths are even.
      for (let i = token * width; i < (token + 1) * width; i += 2) {
        const word = random.nextUint32()
        if (word >>> 16 >= dropped) mask[i] = kept
        if ((word & 0xffff) >= dropped) mask[i + 1] = kept
      }
    }
    return mask
  }
}
