// Examples become token sequences, each with the part that it plays in the loss.
import { createHash } from 'node:crypto'
import { Random } from '@regraft/methods'
import type { Sequence } from '../decoder/batch.ts'
import { EngineError } from '../errors.ts'
import type { Base } from '../formats/types.ts'
import type { AnyExample, PreferenceExample, RatedExample, TrainingExample } from './examples.ts'
import { exampleSequence } from './examples.ts'
import { LOSSES } from './losses/index.ts'
import type { PartName } from './losses/types.ts'
import type { TrainingRecipe } from './recipe.ts'
import { mismatchedPairing, type ReferenceLine } from './reference.ts'

export interface TrainingItem {
  /** Which example this is, counted from 0. */
  index: number
  parts: { name: PartName; sequence: Sequence; reference: number | null }[]
  desirable: boolean | null
  weight?: number
  probability?: number
}

export interface TrainingSet {
  items: TrainingItem[]
  /** Examples with a sequence longer than `maxLength`. */
  dropped: { index: number; tokens: number }[]
}

/**
 * Tokenises examples for the recipe's loss. `references` has a line for each example where the loss needs one.
 * Throws `invalid-input` naming the example whose fields or reference are not those of the loss.
 */
export function prepareExamples(
  base: Base,
  examples: readonly AnyExample[],
  references: readonly ReferenceLine[] | null,
  recipe: Pick<TrainingRecipe, 'loss' | 'maxLength' | 'seed'>,
): TrainingSet {
  const { loss, maxLength, seed } = recipe
  for (const [index, example] of examples.entries()) {
    checkFields(example, index, loss.name)
    checkTrust(example, index, loss)
  }
  const partners =
    loss.name === 'kto' && examples.length > 0 ? mismatchedPairing(examples.length, seed) : null
  const set: TrainingSet = { items: [], dropped: [] }
  for (const [index, example] of examples.entries()) {
    const partner = partners ? (examples[partners[index]!]! as RatedExample) : null
    const item: TrainingItem = {
      index,
      parts: LOSSES[loss.name].parts.map((name) => ({
        name,
        sequence: exampleSequence(base, {
          messages: example.messages,
          completion: completionOf(example, name, partner),
        }),
        reference: references ? referenceOf(references, index, name) : null,
      })),
      desirable: loss.name === 'kto' ? (example as RatedExample).label : null,
      ...(example.weight === undefined ? {} : { weight: example.weight }),
      ...(example.probability === undefined ? {} : { probability: example.probability }),
    }
    const tokens = Math.max(...item.parts.map(({ sequence }) => sequence.ids.length))
    if (tokens > maxLength) set.dropped.push({ index, tokens })
    else set.items.push(item)
  }
  return set
}

/** The examples of an update, counted from 0: the next of its epoch, whose order follows from the seed alone. */
export function itemsOfUpdate(
  items: readonly TrainingItem[],
  { seed, batchSize }: Pick<TrainingRecipe, 'seed' | 'batchSize'>,
  update: number,
): { epoch: number; chosen: TrainingItem[] } {
  const perEpoch = updatesPerEpoch(items, batchSize)
  const epoch = Math.floor(update / perEpoch)
  const order = new Random(seed, `order/${epoch}`).shuffle(items)
  const offset = (update % perEpoch) * batchSize
  return { epoch, chosen: order.slice(offset, offset + batchSize) }
}

export function updatesPerEpoch(items: readonly TrainingItem[], batchSize: number): number {
  return Math.ceil(items.length / batchSize)
}

/** Tokens of the items, padding excluded, and how many of them enter the loss. */
export function countTokens(items: readonly TrainingItem[]): { tokens: number; supervised: number } {
  const counts = { tokens: 0, supervised: 0 }
  for (const { parts } of items) {
    for (const { ids, supervisedFrom } of parts.map(({ sequence }) => sequence)) {
      counts.tokens += ids.length
      counts.supervised += ids.length - supervisedFrom
    }
  }
  return counts
}

/** Digest (sha256, hex) of all token ids and of where learning begins in them: what the preprocessing made. */
export function digestOfTokens(items: readonly TrainingItem[]): string {
  const hash = createHash('sha256')
  for (const { index, parts } of items) {
    for (const { name, sequence } of parts) {
      hash.update(`${index} ${name} ${sequence.supervisedFrom} ${sequence.ids.join(',')}\n`)
    }
  }
  return hash.digest('hex')
}

function completionOf(example: AnyExample, part: PartName, partner: RatedExample | null): string {
  if (part === 'mismatched') return partner!.completion
  if (part === 'completion') return (example as TrainingExample).completion
  return (example as PreferenceExample)[part]
}

function referenceOf(references: readonly ReferenceLine[], index: number, part: PartName): number {
  const line = references[index] as Partial<Record<PartName, unknown>> | undefined
  const value = line?.[part]
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw new EngineError('invalid-input', `Line ${index + 1} of the reference has no number for '${part}'`, {
    hint: 'Score the items of referenceItems again and write referenceLines, one line for each example',
  })
}

function checkTrust(
  { weight = 1, probability = 1 }: AnyExample,
  index: number,
  loss: TrainingRecipe['loss'],
) {
  // The correction of rDPO divides by 1 − 2ε.
  const least = loss.name === 'dpo' && loss.variant === 'robust' ? 0.5 : 0
  const problem = !(weight >= 0 && Number.isFinite(weight))
    ? `a weight of ${weight}, which must be a number of at least 0`
    : !(probability > least && probability <= 1)
      ? `a probability of ${probability}, which must be above ${least} and at most 1`
      : null
  if (problem === null) return
  throw new EngineError('invalid-input', `Example ${index + 1} has ${problem}`, {
    hint:
      least > 0
        ? 'Leave such pairs out, or choose the variant sigmoid'
        : 'Correct the example, or leave it out',
  })
}

function checkFields(example: AnyExample, index: number, loss: TrainingRecipe['loss']['name']): void {
  const wanted = LOSSES[loss].parts.filter((part) => part !== 'mismatched')
  const fields = example as unknown as Record<string, unknown>
  const missing = wanted.find((field) => typeof fields[field] !== 'string')
  const problem = !Array.isArray(fields.messages)
    ? "a list of 'messages'"
    : missing
      ? `the text '${missing}'`
      : loss === 'kto' && typeof fields.label !== 'boolean'
        ? "'label' true or false"
        : null
  if (problem === null) return
  throw new EngineError('invalid-input', `Example ${index + 1} has not ${problem}, which '${loss}' needs`, {
    hint: 'Give the loss examples of its own form: completions, preference pairs, or rated answers',
  })
}
