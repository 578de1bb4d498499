import { isTargeted, resolveLora } from '../formats/lora-config.ts'
import type { Adapter, DecoderConfig, LoraConfig, LoraTensors } from '../formats/types.ts'
import { LINEAR_NAMES, type LinearName, linearShapes } from './layer.ts'
import { moduleName } from './weights.ts'

/** The low-rank updates of one layer. */
export type LayerLora = Partial<Record<LinearName, LoraTensors>>

/**
 * A fresh adapter that changes nothing yet: B is zero and A is uniform in ±1/√in, the bound of PEFT's
 * kaiming_uniform_(a=√5) (Hu et al. 2021). Ranks and scales follow the configuration's patterns.
 */
export function initialAdapter(config: DecoderConfig, lora: LoraConfig, uniform: () => number): Adapter {
  const shapes = linearShapes(config)
  const modules = new Map<string, LoraTensors>()
  for (let layer = 0; layer < config.numHiddenLayers; layer++) {
    for (const name of LINEAR_NAMES) {
      const module = moduleName(layer, name)
      if (!isTargeted(lora.targetModules, module)) continue
      const { inFeatures, outFeatures } = shapes[name]
      const { rank, scale } = resolveLora(lora, module)
      const bound = 1 / Math.sqrt(inFeatures)
      const a = new Float32Array(rank * inFeatures)
      for (let i = 0; i < a.length; i++) a[i] = (uniform() * 2 - 1) * bound
      modules.set(module, {
        a,
        b: new Float32Array(outFeatures * rank),
        rank,
        inFeatures,
        outFeatures,
        scale,
      })
    }
  }
  return { config: lora, modules }
}

/** An adapter's updates by layer. */
export function loraByLayer(config: DecoderConfig, adapter: Adapter | null): LayerLora[] {
  return Array.from({ length: config.numHiddenLayers }, (_, layer) => {
    const updates: LayerLora = {}
    for (const name of LINEAR_NAMES) {
      const tensors = adapter?.modules.get(moduleName(layer, name))
      if (tensors) updates[name] = tensors
    }
    return updates
  })
}
