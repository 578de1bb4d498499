// Dropout on the input of the low-rank updates (Srivastava et al. 2014; Hu et al. 2021). Masks follow from the seed, the
// update and the place of a sequence in it, not from rows or micro-batches: recomputation and a resumed run see the same
// ones, and results do not depend on how the update was cut up. The linears of one input (q, k, v; gate, up) share a
// mask, which PEFT draws for each.
import { Random } from '@regraft/methods'
import type { Batch } from '../decoder/batch.ts'
import { LINEAR_GROUPS, linearShapes } from '../decoder/layer.ts'
import type { Dropout } from '../decoder/stack.ts'
import type { DecoderConfig } from '../formats/types.ts'

export interface DropoutOptions {
  config: DecoderConfig
  /** Share of the input that is dropped. */
  rate: number
  seed: number
  update: number
}

/** Masks for one batch; `owners` of the batch must be places in the update. */
export function dropoutMasks(batch: Batch, { config, rate, seed, update }: DropoutOptions): Dropout {
  const shapes = linearShapes(config)
  const { owners } = batch
  return (layer, group) => {
    const width = shapes[LINEAR_GROUPS[group][0]].inFeatures
    const mask = new Float32Array(owners.length * width)
    let from = 0
    while (from < owners.length) {
      const sequence = owners[from]!
      let to = from + 1
      while (to < owners.length && owners[to] === sequence) to++
      if (sequence >= 0) {
        const random = new Random(seed, `dropout/${update}/${layer}/${group}/${sequence}`)
        dropIn(mask.subarray(from * width, to * width), rate, random)
      }
      from = to
    }
    return mask
  }
}

/**
 * Drops each element with the given probability. Drawn is how many elements are kept before the next one that is
 * dropped, because those are few; the powers of 1 − rate are products, which every machine rounds alike.
 */
function dropIn(mask: Float32Array, rate: number, random: Random): void {
  const keep = 1 - rate
  mask.fill(1 / keep)
  for (let i = 0; ; i++) {
    const uniform = (random.nextUint32() + 0.5) / 2 ** 32
    for (let survival = keep; uniform < survival; survival *= keep) i++
    if (i >= mask.length) return
    mask[i] = 0
  }
}
