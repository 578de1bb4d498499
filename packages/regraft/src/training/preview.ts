import { rm } from 'node:fs/promises'
import { type AnyExample, type PreviewedExample, runPreview, type TrainingRecipe } from '@regraft/engine'
import { z } from 'zod'
import { makeWorkFolder } from '../config/index.ts'
import { RegraftError } from '../errors/index.ts'
import { shortDigest } from '../lineage/index.ts'
import { type BaseRecord, BUNDLED_BASE, findBase, inspectBase } from '../models/index.ts'
import { defineOperation, type OperationContext } from '../operation/index.ts'
import { baseFile, writeJobFolder } from './job-folder.ts'
import { LossOptions } from './loss-options.ts'
import { requireSnapshot } from './prepare.ts'
import { RecipeOptions, resolveRecipe } from './recipe.ts'
import { readExamples } from './snapshot-examples.ts'

/** A template that has not ended by then never will, in milliseconds. */
const PATIENCE = 60_000
/** What reading many examples may take beside it, in milliseconds each. */
const PATIENCE_PER_EXAMPLE = 50

const Token = z.object({ id: z.int(), text: z.string(), learned: z.boolean() })

export const previewOperation = defineOperation({
  name: 'training preview',
  effect: 'read',
  scope: 'read',
  mode: 'call',
  summary: 'Show which tokens of a snapshot a training would learn, as the base reads them',
  input: z.object({
    snapshot: z.string().optional().describe('digest of the snapshot; else the newest for the loss'),
    base: z.string().default(BUNDLED_BASE).describe('base model, by its name in `models list`'),
    loss: LossOptions.shape.loss,
    maxLength: RecipeOptions.shape.maxLength,
    rows: z.int().min(1).max(1_000).default(3).describe('how many examples, from the first on'),
  }),
  output: z.object({
    snapshot: z.string(),
    examples: z.array(
      z.object({
        row: z.string().describe('id of the example'),
        dropped: z.boolean().describe('longer than --max-length: left out'),
        parts: z.array(z.object({ name: z.string(), tokens: z.array(Token) })),
      }),
    ),
  }),
  example: 'regraft training preview --rows 2',
  render({ snapshot, examples }, { colour }) {
    const learned = colour ? (text: string) => `\u001b[30;42m${text}\u001b[0m` : (text: string) => `⟦${text}⟧`
    const read = colour ? (text: string) => `\u001b[2m${text}\u001b[0m` : (text: string) => text
    const lines = [`snapshot ${shortDigest(snapshot)}; ${learned('learned')} ${read('read only')}`]
    for (const { row, dropped, parts } of examples) {
      for (const { name, tokens } of parts) {
        const count = tokens.filter((token) => token.learned).length
        const note = dropped ? ', too long: left out' : ''
        lines.push('', `${row} ${name}: ${tokens.length} tokens, ${count} learned${note}`)
        lines.push(
          runsOf(tokens)
            .map((run) => (run.learned ? learned : read)(run.text))
            .join(''),
        )
      }
    }
    return lines.join('\n')
  },
  async run(context, { snapshot: wanted, base: baseName, loss, maxLength, rows }) {
    const { store, config } = context
    const snapshot = await requireSnapshot(context, loss, wanted)
    const found = findBase(config, baseName)
    const base = await inspectBase(found)
    // Answers are exchanged between KTO's examples, which takes two.
    const count = loss === 'kto' ? Math.max(2, rows) : rows
    const examples = await readExamples(store, snapshot.manifest, 'train', count)
    const { training } = resolveRecipe(
      RecipeOptions.omit({ teacher: true }).parse({ loss, maxLength }),
      '',
      '',
    )
    const previewed = await previewTokens(context, { record: base, path: found.path }, training, examples)
    const ids = snapshot.manifest.rows.filter(({ split }) => split === 'train').map(({ id }) => id)
    return {
      snapshot: snapshot.digest,
      examples: previewed.slice(0, rows).map(({ index, dropped, parts }) => ({
        row: ids[index]!,
        dropped,
        // Partners are drawn among all rows of a training, not among these few.
        parts: parts.filter(({ name }) => name !== 'mismatched'),
      })),
    }
  },
})

/**
 * The tokens that a base makes of examples. Throws 'invalid-input' for a chat template that does not end, and what it says
 * itself of messages that it refuses.
 */
export async function previewTokens(
  { config, signal }: Pick<OperationContext, 'config' | 'signal'>,
  base: { record: BaseRecord; path: string },
  recipe: TrainingRecipe,
  examples: readonly AnyExample[],
): Promise<PreviewedExample[]> {
  const folder = await makeWorkFolder(config, 'preview')
  const late = AbortSignal.timeout(PATIENCE + PATIENCE_PER_EXAMPLE * examples.length)
  try {
    const job = { kind: 'preview', base: baseFile(base.record, base.path), recipe, identity: '' } as const
    await writeJobFolder(folder, { job, train: examples, validation: [] })
    return await runPreview(folder, { signal: AbortSignal.any([signal, late]) })
  } catch (error) {
    if (!late.aborted || signal.aborted) throw error
    throw new RegraftError(
      'invalid-input',
      `the chat template of base ${base.record.name} did not end within a minute`,
      {
        hint: 'use another base, or correct its chat template',
        details: { param: 'base' },
      },
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function runsOf(tokens: readonly z.output<typeof Token>[]): { text: string; learned: boolean }[] {
  const runs: { text: string; learned: boolean }[] = []
  for (const { text, learned } of tokens) {
    const last = runs.at(-1)
    if (last?.learned === learned) last.text += text
    else runs.push({ text, learned })
  }
  return runs
}
