import type { Adapter, DecoderConfig } from '../formats/types.ts'
import { Head } from './head.ts'
import type { Trainable } from './layer-inputs.ts'
import { loraByLayer } from './lora.ts'
import { LayerStack } from './stack.ts'
import type { DecoderWeights } from './weights.ts'

/** A decoder ready to run: weights, an optional adapter, and the compiled graphs of both. */
export interface Decoder {
  config: DecoderConfig
  weights: DecoderWeights
  adapter: Adapter | null
  stack: LayerStack
  head: Head
  release(): Promise<void>
}

export interface DecoderOptions {
  config: DecoderConfig
  weights: DecoderWeights
  adapter?: Adapter | null
  trainable?: Trainable
  threads: number
  /** Called before every layer; throws to stop. */
  checkpoint?: () => void
}

export function createDecoder(options: DecoderOptions): Decoder {
  const { config, weights, adapter = null, trainable = 'none', threads, checkpoint } = options
  const stack = new LayerStack({
    config,
    weights,
    lora: loraByLayer(config, adapter),
    trainable,
    threads,
    ...(checkpoint ? { checkpoint } : {}),
  })
  const head = new Head(config, weights, threads)
  return {
    config,
    weights,
    adapter,
    stack,
    head,
    async release() {
      await stack.release()
      await head.release()
    },
  }
}
