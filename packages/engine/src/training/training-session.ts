// What every kind of training needs: tokenised examples, an adapter in a decoder, and a learner.
import { Random } from '@regraft/methods'
import { type Batch, packRows } from '../decoder/batch.ts'
import { createDecoder, type Decoder } from '../decoder/decoder.ts'
import { initialAdapter } from '../decoder/lora.ts'
import type { Dropout } from '../decoder/stack.ts'
import { readWeights } from '../decoder/weights.ts'
import { EngineError } from '../errors.ts'
import { resolveLora } from '../formats/lora-config.ts'
import { checkAdapterFits } from '../formats/peft.ts'
import type { Adapter, Base, LoraConfig } from '../formats/types.ts'
import { dropoutMasks } from './dropout.ts'
import type { AnyExample } from './examples.ts'
import { adapterLearner, type Learner, type Teacher } from './learner.ts'
import { LOSSES } from './losses/index.ts'
import { type MemoryPlan, planMemory } from './memory-plan.ts'
import type { TrainingRecipe } from './recipe.ts'
import type { ReferenceLine } from './reference.ts'
import { chooseRowLength } from './row-layout.ts'
import {
  itemsOfUpdate,
  prepareExamples,
  type TrainingItem,
  type TrainingSet,
  updatesPerEpoch,
} from './training-set.ts'

export interface SessionOptions {
  base: Base
  recipe: TrainingRecipe
  examples: readonly AnyExample[]
  validation: readonly AnyExample[]
  /** Reference log-probabilities, one line per example; for the losses that need them. */
  references?: readonly ReferenceLine[] | null
  validationReferences?: readonly ReferenceLine[] | null
  /** The model whose logits are learned; for the loss `distill`. */
  teacher?: { base: Base; adapter: Adapter | null } | null
  /** Where to start from; else a fresh adapter that changes nothing. */
  startFrom?: Adapter | null
  signal: AbortSignal
  /** Memory that this process may take, in bytes, for the faster execution if it fits; it never changes bits. */
  availableBytes?: number
}

export interface TrainingSession {
  memory: MemoryPlan
  train: TrainingSet
  validation: TrainingSet
  adapter: Adapter
  learner: Learner
  teacher: Teacher | null
  /** Tokens of a row in training and in validation. */
  rowLength: number
  validationRowLength: number
  /** Masks of an update, counted from 0, by batch; null without dropout. */
  dropoutOf(update: number): ((batch: Batch) => Dropout) | null
  release(): Promise<void>
}

/** Checks the recipe against the examples and opens the models; release them afterwards. */
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
  const weights = readWeights(base, recipe.weightPrecision)
  const rowLength = chooseRowLength(epochLengths(train.items, recipe), recipe.maxLength)
  const memory = planMemory({
    config: base.config,
    weights,
    adapter,
    tokens: largestBatch(train, recipe, rowLength),
    length: rowLength,
    canBeWhole: recipe.loss.name === 'sft',
    availableBytes: options.availableBytes ?? 0,
  })
  const common = { threads: recipe.threads, checkpoint: () => stopIfCancelled(signal) }
  const decoder = createDecoder({
    ...common,
    config: base.config,
    weights,
    adapter,
    trainable: 'adapter',
    execution: memory.execution,
  })
  const teacher = options.teacher
    ? createDecoder({
        ...common,
        config: options.teacher.base.config,
        weights: readWeights(options.teacher.base, recipe.weightPrecision),
        adapter: options.teacher.adapter,
      })
    : null
  const { dropout: rate } = recipe.lora
  return {
    memory,
    train,
    validation,
    adapter,
    learner: adapterLearner(decoder),
    rowLength,
    validationRowLength: chooseRowLength([validation.items.flatMap(lengthsOf)], recipe.maxLength),
    teacher: teacher && recipe.loss.name === 'distill' ? teacherOf(teacher, recipe.loss.temperature) : null,
    dropoutOf: (update) => {
      if (rate === 0) return null
      return (batch) => dropoutMasks(batch, { config: base.config, rate, seed: recipe.seed, update })
    },
    async release() {
      await decoder.release()
      await teacher?.release()
    },
  }
}

/** Tokens of the largest batch that an update can have, padding included. */
function largestBatch({ items }: TrainingSet, recipe: TrainingRecipe, rowLength: number): number {
  const sizes = items.flatMap(lengthsOf)
  const perUpdate = Math.ceil((recipe.batchSize * sizes.length) / items.length)
  const largest = sizes.toSorted((one, other) => other - one).slice(0, perUpdate)
  const tokens = packRows(largest, rowLength).length * rowLength
  return Math.max(rowLength, Math.min(tokens, recipe.microBatchTokens))
}

function lengthsOf({ parts }: TrainingItem): number[] {
  return parts.map(({ sequence }) => sequence.ids.length)
}

/** Lengths of the sequences of each update of the first epoch; those after it are alike. */
function epochLengths(items: readonly TrainingItem[], recipe: TrainingRecipe): number[][] {
  return Array.from({ length: updatesPerEpoch(items, recipe.batchSize) }, (_, update) =>
    itemsOfUpdate(items, recipe, update).chosen.flatMap(lengthsOf),
  )
}

/** Runs the teacher over a batch; its logits are made for a few rows at a time. */
function teacherOf(decoder: Decoder, temperature: number): Teacher {
  return async (batch) => {
    const hidden = await decoder.stack.forward(batch)
    return {
      temperature,
      teacherLogits: (start, count) => decoder.head.logits(hidden, batch.rows.subarray(start, start + count)),
    }
  }
}

export function stopIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new EngineError('cancelled', 'The training was cancelled')
}

function checkRecipe({ recipe, examples, validation, ...options }: SessionOptions): void {
  const { loss, lora } = recipe
  if (!(lora.dropout >= 0 && lora.dropout < 1)) {
    throw new EngineError('invalid-input', `The dropout is ${lora.dropout}, not in [0, 1)`)
  }
  if ((loss.name === 'distill') !== Boolean(options.teacher)) {
    throw options.teacher
      ? new EngineError('invalid-input', `The loss '${loss.name}' has no use for a teacher`)
      : new EngineError('invalid-input', "The loss 'distill' needs a teacher", {
          hint: "Name the teacher's base in the job",
        })
  }
  if (options.teacher) checkTeacher(options.base, options.teacher.base)
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

/** Logits can be compared where both models read the same tokens and score the same vocabulary. */
function checkTeacher(base: Base, teacher: Base): void {
  if (teacher.digests.tokenizer !== base.digests.tokenizer) {
    throw new EngineError(
      'incompatible',
      `The teacher ${teacher.path} has another tokenizer than ${base.path}`,
      {
        hint: "Distil from a model of the same family, or train on the teacher's answers with the loss 'sft'",
      },
    )
  }
  if (teacher.config.vocabSize !== base.config.vocabSize) {
    throw new EngineError(
      'incompatible',
      `The teacher ${teacher.path} scores ${teacher.config.vocabSize} tokens, ${base.path} ${base.config.vocabSize}`,
      { hint: "Train on the teacher's answers with the loss 'sft' instead" },
    )
  }
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
