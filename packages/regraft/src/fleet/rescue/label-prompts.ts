import type { Answer } from '@regraft/engine'
import { z } from 'zod'
import { rowId } from '../../capture/index.ts'
import { RegraftError } from '../../errors/index.ts'
import { defineStep, makeSelection, queryOf, type Selection, type Step } from '../../lineage/index.ts'
import { type AnyBase, type EngineHost, requireLocalBase } from '../../models/index.ts'
import type { InferenceRow, NewInference, ProjectStore } from '../../store/types.ts'

/** Prompts that are answered and stored together: what a kill loses at most. */
const PROMPTS_AT_ONCE = 64

const Parameters = z.object({
  /** Of the adapter, for the route of the rows. */
  name: z.string(),
  maxTokens: z.int().min(1),
})
type Parameters = z.output<typeof Parameters>

export interface LabelOptions {
  engines: EngineHost
  onProgress(done: number, total: number): void
}

/** The content of the `report`. */
export interface LabelledPrompts {
  measure: 'labelled-prompts'
  prompts: number
  /** Asked in this attempt; the others had been answered before. */
  asked: number
}

/**
 * Lets an adapter answer prompts greedily. Each answer is an inference derived from its prompt, of the same end user, under an id
 * that follows from both, stored as soon as it is there: what was answered is not asked again. Inputs: base, adapter, prompts.
 */
export function labelPrompts({ engines, onProgress }: LabelOptions): Step<Parameters> {
  return defineStep({
    name: 'fleet/label-prompts',
    version: 1,
    determinism: 'external',
    input: Parameters,
    async run({ parameters, inputs, read, project, signal }) {
      const digestOf = (role: string) => inputs.find((input) => input.role === role)!.digest
      const model = { base: digestOf('base'), adapter: digestOf('adapter') }
      const { name: baseName } = requireLocalBase(await read<AnyBase>('base'))
      const prompts = await read<Selection>('prompts')
      const ids: string[] = []
      let asked = 0
      const answer = async (page: readonly InferenceRow[]) => {
        const named = page.map((prompt) => ({ prompt, id: answerId(prompt, model.adapter, parameters) }))
        ids.push(...named.map(({ id }) => id))
        const known = await storedIds(
          project,
          named.map(({ id }) => id),
        )
        const open = named.filter(({ id }) => !known.has(id))
        if (open.length > 0) {
          const call = {
            conversations: open.map(({ prompt }) => prompt.payload.messages),
            maxTokens: parameters.maxTokens,
          }
          const answers = await engines.generate(project, model, call, { signal })
          const rows = open.map(({ prompt, id }, index) =>
            answerRow({ prompt, id, answer: answers[index]!, baseName, adapter: model.adapter }, parameters),
          )
          await storeAll(project, rows)
          asked += open.length
        }
        onProgress(ids.length, prompts.count)
      }
      let page: InferenceRow[] = []
      for await (const prompt of project.inferences.select(queryOf(prompts))) {
        if (page.push(prompt) < PROMPTS_AT_ONCE) continue
        await answer(page)
        signal.throwIfAborted()
        page = []
      }
      await answer(page)
      const { selection } = await makeSelection(project, 'inferences', { ids: ids.sort() })
      const report: LabelledPrompts = { measure: 'labelled-prompts', prompts: ids.length, asked }
      return [
        { role: 'answers', kind: 'selection', schemaVersion: 1, value: selection },
        { role: 'report', kind: 'measurement', schemaVersion: 1, value: report },
      ]
    },
  })
}

function answerId(prompt: InferenceRow, adapter: string, { maxTokens }: Parameters): string {
  return rowId(prompt.occurredAt, ['rescue', adapter, prompt.id, maxTokens])
}

async function storedIds(project: ProjectStore, ids: string[]): Promise<Set<string>> {
  const known = new Set<string>()
  for await (const { id } of project.inferences.links({ ids })) known.add(id)
  return known
}

interface Answered {
  prompt: InferenceRow
  id: string
  answer: Answer
  baseName: string
  adapter: string
}

function answerRow(
  { prompt, id, answer, baseName, adapter }: Answered,
  { name, maxTokens }: Parameters,
): NewInference {
  const { messages, conversation } = prompt.payload
  const sum = answer.logProbabilities.reduce((total, value) => total + value, 0)
  return {
    id,
    occurredAt: prompt.occurredAt,
    derivedFrom: [prompt.id],
    subject: prompt.subject,
    payload: {
      ...{ messages, response: answer.text.trim(), model: baseName, adapter, route: `rescue/${name}` },
      parameters: { maxTokens, temperature: 0 },
      latencyMs: null,
      usage: { promptTokens: answer.promptTokens, completionTokens: answer.tokens.length },
      finishReason: answer.finishReason,
      // What is beyond four places depends on the processor.
      source: { kind: 'rescue', adapter, confidence: Number(Math.exp(sum).toFixed(4)) },
      ...(conversation === undefined ? {} : { conversation }),
    },
  }
}

/** Stores rows that came from the store before, in part. */
export async function storeAll(project: ProjectStore, rows: NewInference[]): Promise<void> {
  const { rejected } = await project.inferences.insert(rows)
  const [first] = rejected
  if (first) throw new RegraftError('internal', `an answer cannot be stored: ${first.reason}`)
}
