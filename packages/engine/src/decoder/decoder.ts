import type { Adapter, DecoderConfig } from '../formats/types.ts'
import { Head } from './head.ts'
import type { Trainable } from './layer-inputs.ts'
import { loraByLayer } from './lora.ts'
import { LayerStack } from './stack.ts'
import type { DecoderWeights } from './weights.ts'
import { WholeGraph } from './whole-graph.ts'

/** Layer by layer, recomputing each layer's forward pass; or one graph that keeps all activations. */
export type Execution = 'layered' | 'whole'

/** A decoder ready to run: weights, an optional adapter, and the compiled graphs of both. */
export interface Decoder {
  config: DecoderConfig
  weights: DecoderWeights
  adapter: Adapter | null
  stack: LayerStack
  head: Head
  /** The fast mode of training, when it was asked for. */
  whole: WholeGraph | null
  release(): Promise<void>
}

export interface DecoderOptions {
  config: DecoderConfig
  weights: DecoderWeights
  adapter?: Adapter | null
  trainable?: Trainable
  threads: number
  /** How the gradients of an adapter are computed; layer by layer unless told. */
  execution?: Execution
  /** Called before every layer; throws to stop. */
  checkpoint?: () => void
}

export function createDecoder(options: DecoderOptions): Decoder {
  const { config, weights, adapter = null, trainable = 'none', threads, checkpoint } = options
  const stackOptions = {
    config,
    weights,
    lora: loraByLayer(config, adapter),
    trainable,
    threads,
    ...(checkpoint ? { checkpoint } : {}),
  }
  const stack = new LayerStack(stackOptions)
  const whole = options.execution === 'whole' ? new WholeGraph(stackOptions) : null
  const head = new Head(config, weights, threads)
  return {
    config,
    weights,
    adapter,
    stack,
    head,
    whole,
    async release() {
      await whole?.release()
      await stack.release()
      await head.release()
    },
  }
}
