import { type AnyExample, EngineError, type TrainingRecipe } from '@regraft/engine'
import { RegraftError } from '../../errors/index.ts'
import type { BaseRecord } from '../../models/index.ts'
import type { OperationContext } from '../../operation/index.ts'
import { previewTokens } from '../../training/index.ts'

/** Rows whose tokens are counted: more say nothing else, and take long. */
const MOST_ROWS = 2_000
/** Made-up, so that a record shows no words of a person. */
const SYSTEM = 'Answer in one word.'
const CONVERSATIONS: Record<'without system prompt' | 'with system prompt', AnyExample> = {
  'without system prompt': {
    messages: [{ role: 'user', content: 'Where is my card?' }],
    completion: 'arrival',
  },
  'with system prompt': {
    messages: [
      { role: 'system', content: SYSTEM },
      { role: 'user', content: 'Where is my card?' },
    ],
    completion: 'arrival',
  },
}

/** A base that reads rows: where it lies, and what is recorded of it. */
export interface ReadingBase {
  record: BaseRecord
  path: string
}

/** How a base reads rows. */
export interface Reading {
  /** Of all rows together. */
  tokens: number
  longest: number
  /** Ids of rows that are longer than the recipe allows: training leaves them out. */
  tooLong: string[]
  /** A made-up conversation as the chat template renders it; null where it refuses it. */
  rendered: Record<keyof typeof CONVERSATIONS, string | null>
}

export interface ReadingComparison {
  /** Rows that were read, from the first on. */
  rows: number
  /** Null where the old base is not here any more. */
  before: Reading | null
  after: Reading
  tokenizer: 'same' | 'different'
  chatTemplate: 'same' | 'different'
  /** What a person should know, in sentences. */
  notes: string[]
}

export interface ReadRows {
  recipe: TrainingRecipe
  examples: readonly AnyExample[]
  /** Of the examples, in their order. */
  ids: readonly string[]
}

/**
 * Compares how two bases read the rows of a training. Throws 'incompatible' where the new one refuses system prompts that rows
 * have.
 */
export async function compareReadings(
  context: OperationContext,
  { old, recorded, next }: { old: ReadingBase | null; recorded: BaseRecord['digests']; next: ReadingBase },
  { recipe, examples: all, ids }: ReadRows,
): Promise<ReadingComparison> {
  const examples = all.slice(0, MOST_ROWS)
  const rows = { recipe, examples, ids }
  const after = await readAs(context, next, rows)
  const before = old && (await readAs(context, old, rows))
  const withSystem = examples.filter(({ messages }) => messages.some(({ role }) => role === 'system')).length
  const { digests, name } = next.record
  const comparison = {
    ...{ rows: examples.length, before, after },
    tokenizer: digests.tokenizer === recorded.tokenizer ? ('same' as const) : ('different' as const),
    chatTemplate: digests.chatTemplate === recorded.chatTemplate ? ('same' as const) : ('different' as const),
  }
  return { ...comparison, notes: notesOn(comparison, { name, withSystem, maxLength: recipe.maxLength }) }
}

async function readAs(
  context: OperationContext,
  base: ReadingBase,
  { recipe, examples, ids }: ReadRows,
): Promise<Reading> {
  context.progress({ stage: `read the rows as ${base.record.name}` })
  // A conversation alone: other losses read two.
  const plain = { ...recipe, loss: { name: 'sft' as const } }
  const rendered = { 'without system prompt': null, 'with system prompt': null } as Reading['rendered']
  for (const kind of ['without system prompt', 'with system prompt'] as const) {
    rendered[kind] = await render(context, base, plain, CONVERSATIONS[kind])
  }
  const withSystem = examples.some(({ messages }) => messages.some(({ role }) => role === 'system'))
  if (withSystem && rendered['with system prompt'] === null) {
    throw new RegraftError(
      'incompatible',
      `the chat template of base ${base.record.name} refuses system prompts, and the training rows have them`,
      { hint: 'choose another base, or correct its chat template' },
    )
  }
  const previewed = await previewTokens(context, base, recipe, examples)
  const lengths = previewed.map(({ parts }) => Math.max(...parts.map(({ tokens }) => tokens.length)))
  return {
    tokens: lengths.reduce((sum, length) => sum + length, 0),
    longest: Math.max(0, ...lengths),
    tooLong: previewed.flatMap(({ dropped, index }) => (dropped ? [ids[index]!] : [])),
    rendered,
  }
}

async function render(
  context: OperationContext,
  base: ReadingBase,
  recipe: TrainingRecipe,
  example: AnyExample,
): Promise<string | null> {
  try {
    const [shown] = await previewTokens(context, base, recipe, [example])
    return shown!.parts[0]!.tokens.map(({ text }) => text).join('')
  } catch (error) {
    if (error instanceof EngineError && error.code === 'invalid-input') return null
    throw error
  }
}

function notesOn(
  { before, after, tokenizer, chatTemplate, rows }: Omit<ReadingComparison, 'notes'>,
  { name, withSystem, maxLength }: { name: string; withSystem: number; maxLength: number },
): string[] {
  const notes: string[] = []
  const shown = after.rendered['with system prompt']
  if (tokenizer === 'different') {
    const then = before ? `, ${before.tokens} under the old one` : ''
    notes.push(`the ${rows} rows are ${after.tokens} tokens under the tokenizer of ${name}${then}`)
  }
  const earlier = new Set(before?.tooLong ?? [])
  const grown = after.tooLong.filter((id) => !earlier.has(id)).length
  if (grown > 0) {
    const newly = before ? ' that were not before' : ''
    notes.push(
      `${grown} rows${newly} are longer than ${maxLength} tokens and are left out (the longest has ${after.longest}): --max-length takes them`,
    )
  }
  if (chatTemplate === 'different') {
    const kind = shown === null ? 'without system prompt' : 'with system prompt'
    const rendered = JSON.stringify(after.rendered[kind])
    const then = before ? `, the old one ${JSON.stringify(before.rendered[kind])}` : ''
    notes.push(`the chat template of ${name} renders ${rendered}${then}`)
  }
  if (withSystem > 0 && shown !== null && !shown.includes(SYSTEM)) {
    notes.push(`the chat template of ${name} drops system prompts, and ${withSystem} rows have one`)
  }
  return notes
}
