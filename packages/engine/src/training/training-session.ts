// What every kind of training needs: tokenised examples, an adapter in a decoder, and a learner.
import { Random } from '@regraft/methods'
import { createDecoder, type Decoder } from '../decoder/decoder.ts'
import { initialAdapter } from '../decoder/lora.ts'
import { readWeights } from '../decoder/weights.ts'
import { EngineError } from '../errors.ts'
import { resolveLora } from '../formats/lora-config.ts'
import { checkAdapterFits } from '../formats/peft.ts'
import type { Adapter, Base, LoraConfig } from '../formats/types.ts'
import type { AnyExample } from './examples.ts'
import { adapterLearner, type Learner } from './learner.ts'
import { LOSSES } from './losses/index.ts'
import type { TrainingRecipe } from './recipe.ts'
import type { ReferenceLine } from './reference.ts'
import { prepareExamples, type TrainingSet } from './training-set.ts'

export interface SessionOptions {
  base: Base
  recipe: TrainingRecipe
  examples: readonly AnyExample[]
  validation: readonly AnyExample[]
  /** Reference log-probabilities, one line per example; for the losses that need them. */
  references?: readonly ReferenceLine[] | null
  validationReferences?: readonly ReferenceLine[] | null
  /** Where to start from; else a fresh adapter that changes nothing. */
  startFrom?: Adapter | null
  signal: AbortSignal
}

export interface TrainingSession {
  train: TrainingSet
  validation: TrainingSet
  adapter: Adapter
  decoder: Decoder
  learner: Learner
}

/** Checks the recipe against the examples and opens the model; release the decoder afterwards. */
export function openSession(options: SessionOptions): TrainingSession {
  const { base, recipe, signal } = options
  checkRecipe(options)
  const train = prepareExamples(base, options.examples, options.references ?? null, recipe)
  if (train.items.length === 0) {
    throw new EngineError('invalid-input', `No example fits in ${recipe.maxLength} tokens`, {
      hint: 'Raise maxLength, or check that the snapshot has training rows',
    })
  }
  const validation = prepareExamples(base, options.validation, options.validationReferences ?? null, recipe)
  if (recipe.earlyStopping && validation.items.length === 0) {
    throw new EngineError('invalid-input', 'Early stopping needs validation examples, and there are none', {
      hint: 'Build the snapshot with a validation share, or leave early stopping off',
    })
  }
  const adapter = startingAdapter(options)
  const decoder = createDecoder({
    config: base.config,
    weights: readWeights(base, recipe.weightPrecision),
    adapter,
    trainable: 'adapter',
    threads: recipe.threads,
    checkpoint: () => stopIfCancelled(signal),
  })
  return { train, validation, adapter, decoder, learner: adapterLearner(decoder) }
}

export function stopIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new EngineError('cancelled', 'The training was cancelled')
}

function checkRecipe({ recipe, examples, validation, ...options }: SessionOptions): void {
  const { loss } = recipe
  if (loss.name === 'distill') {
    throw new EngineError('incompatible', "This trainer has no teacher for the loss 'distill' yet")
  }
  if (loss.name === 'dpo' && !(loss.labelSmoothing >= 0 && loss.labelSmoothing < 0.5)) {
    throw new EngineError('invalid-input', `Label smoothing is ${loss.labelSmoothing}, not in [0, 0.5)`)
  }
  if (loss.name === 'kto' && recipe.batchSize < 2) {
    throw new EngineError('invalid-input', 'KTO needs at least 2 examples per update', {
      hint: 'Its reference point is a mean over the batch: raise the batch size',
    })
  }
  if (!LOSSES[loss.name].needsReference) return
  requireReferences(loss.name, 'examples', examples.length, options.references)
  requireReferences(loss.name, 'validation examples', validation.length, options.validationReferences)
}

function requireReferences(
  loss: string,
  what: string,
  count: number,
  references: readonly ReferenceLine[] | null | undefined,
): void {
  if (count === 0 || references?.length === count) return
  const found = references
    ? `has ${references.length} lines for ${count} ${what}`
    : `of the ${what} is missing`
  throw new EngineError(
    'invalid-input',
    `The loss '${loss}' needs reference log-probabilities; the reference ${found}`,
    { hint: 'Score referenceItems with the reference model and write referenceLines beside the examples' },
  )
}

function startingAdapter({ base, recipe, startFrom }: SessionOptions): Adapter {
  const { dropout: _, ...lora } = recipe.lora
  const config: LoraConfig = { ...lora, baseModelNameOrPath: '' }
  const random = new Random(recipe.seed, 'adapter')
  const fresh = initialAdapter(base.config, config, () => random.uniform())
  if (!startFrom) return fresh
  checkAdapterFits(startFrom, base)
  for (const module of new Set([...fresh.modules.keys(), ...startFrom.modules.keys()])) {
    const [wanted, found] = [fresh.modules.get(module), startFrom.modules.get(module)]
    if (wanted && found && wanted.rank === found.rank && wanted.scale === found.scale) continue
    const { rank, alpha } = resolveLora(config, module)
    throw new EngineError(
      'incompatible',
      `The initial adapter ${found ? `has rank ${found.rank} and scale ${found.scale}` : 'has no update'} at ${module}; the recipe says ${wanted ? `rank ${rank} and alpha ${alpha}` : 'none'}`,
      { hint: 'Give the recipe the rank, alpha, patterns and target modules of the initial adapter' },
    )
  }
  const modules = [...startFrom.modules].map(([name, tensors]) => {
    return [name, { ...tensors, a: tensors.a.slice(), b: tensors.b.slice() }] as const
  })
  return { config, modules: new Map(modules) }
}
