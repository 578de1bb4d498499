import type { DecoderConfig } from '@regraft/engine'
import type { Recipe } from '../../training/index.ts'

/** A recipe for another base, and what had to become another one with it. */
export interface SuccessorRecipe {
  recipe: Recipe
  changes: string[]
}

/**
 * The same recipe on another base. The linears of all families that the engine trains bear the same names, so that the target
 * modules stay; ranks and alphas of layers that the base does not have go, and rows are no longer than it can read.
 */
export function successorRecipe(
  recipe: Recipe,
  base: { digest: string; config: Pick<DecoderConfig, 'numHiddenLayers' | 'maxPositionEmbeddings'> },
  maxLength: number = recipe.training.maxLength,
): SuccessorRecipe {
  const { training } = recipe
  const { lora } = training
  const { numHiddenLayers, maxPositionEmbeddings } = base.config
  const lost = [...new Set([lora.rankPattern, lora.alphaPattern].flatMap((pattern) => Object.keys(pattern)))]
    .filter((module) => layerOf(module) >= numHiddenLayers)
    .sort()
  const kept = (pattern: Record<string, number>) =>
    Object.fromEntries(Object.entries(pattern).filter(([module]) => !lost.includes(module)))
  const readable = Math.min(maxLength, maxPositionEmbeddings)
  const changes = [
    `target modules ${lora.targetModules.join(', ')}, in each of its ${numHiddenLayers} layers`,
    ...(lost.length === 0
      ? []
      : [`ranks and alphas of modules that it does not have are left out: ${lost.join(', ')}`]),
    ...(readable === training.maxLength
      ? []
      : [`rows of up to ${readable} tokens instead of ${training.maxLength}`]),
  ]
  return {
    recipe: {
      ...recipe,
      base: base.digest,
      training: {
        ...training,
        lora: { ...lora, rankPattern: kept(lora.rankPattern), alphaPattern: kept(lora.alphaPattern) },
        maxLength: readable,
      },
    },
    changes,
  }
}

/** The layer that a module's name speaks of; -1 for all layers. */
function layerOf(module: string): number {
  const [, layer] = /(?:^|\.)layers\.(\d+)\./.exec(module) ?? []
  return layer === undefined ? -1 : Number(layer)
}
