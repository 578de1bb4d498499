import { Random } from '@regraft/methods'
import { z } from 'zod'
import { rowId } from '../../capture/index.ts'
import { RegraftError } from '../../errors/index.ts'
import { defineStep, makeSelection, queryOf, type Selection, type Step } from '../../lineage/index.ts'
import { type AnyBase, requireLocalBase } from '../../models/index.ts'
import type { InferenceRow, Message, NewInference } from '../../store/types.ts'
import { type LabelOptions, storeAll } from './label-prompts.ts'
import { type KeptPrompts, PromptFilter } from './prompt-filter.ts'

/** Examples that a request shows. */
const SHOWN = 6
/** Requests that are made and stored together. */
const TOGETHER = 32
/** Times the rounds that would do if every prompt were kept †: a base that repeats itself must end. */
const PATIENCE = 6
const MOST_TOKENS = 200
const ASK = 'Write a message that somebody could send.'

const Parameters = z.object({
  name: z.string(),
  adapter: z.string(),
  rows: z.int().min(1),
  temperature: z.number().positive(),
  seed: z.int(),
})
type Parameters = z.output<typeof Parameters>

/** The content of the `report`. */
export interface SynthesisedPrompts extends KeptPrompts {
  measure: 'synthesised-prompts'
  generator: string
  rounds: number
}

/**
 * Lets a base (role `generator`) make up prompts like some real ones (role `examples`), by showing it a few at a time (Wang et al.
 * 2023, "Self-Instruct") as its own answers in a conversation, which small bases follow too, and keeps those that are new, of like length and in the same script. Each is a row derived from those
 * that were shown, under an id that follows from its place: rounds that were made are not made again.
 */
export function synthesisePrompts({ engines, onProgress }: LabelOptions): Step<Parameters> {
  return defineStep({
    name: 'fleet/synthesise-prompts',
    version: 1,
    determinism: 'external',
    input: Parameters,
    async run({ parameters, inputs, read, project, signal }) {
      const { name, adapter, rows: wanted, temperature, seed } = parameters
      const generator = inputs.find(({ role }) => role === 'generator')!.digest
      const { name: model } = requireLocalBase(await read<AnyBase>('generator'))
      const examples: InferenceRow[] = []
      const selection = await read<Selection>('examples')
      for await (const row of project.inferences.select(queryOf(selection))) examples.push(row)
      if (examples.length === 0) {
        throw new RegraftError('not-found', 'there is no prompt to make others like', {
          hint: 'import a few: regraft import prompts.csv --text text --task <task>',
        })
      }
      const filter = new PromptFilter(examples.map(lastText))
      const newest = examples.at(-1)!.occurredAt
      const made: string[] = []
      let rounds = 0
      const most = Math.ceil(wanted / TOGETHER) * PATIENCE
      for (; made.length < wanted && rounds < most; rounds++) {
        signal.throwIfAborted()
        const round = rounds
        const idOf = (place: number) =>
          rowId(newest, ['rescue-prompt', adapter, generator, seed, round, place])
        const ids = Array.from({ length: TOGETHER }, (_, place) => idOf(place))
        const known: InferenceRow[] = []
        for await (const row of project.inferences.select({ ids })) known.push(row)
        if (known.length > 0) {
          for (const row of known) filter.keep(lastText(row))
          // In the order in which they were made.
          const there = new Set(known.map(({ id }) => id))
          made.push(...ids.filter((id) => there.has(id)))
        } else {
          const random = new Random(seed, `prompts/${round}`)
          const shown = Array.from({ length: TOGETHER }, () => random.shuffle(examples).slice(0, SHOWN))
          const answers = await engines.generate(
            project,
            { base: generator, adapter: null },
            {
              conversations: shown.map((rows) => request(rows.map(lastText))),
              maxTokens: MOST_TOKENS,
              sampling: { temperature, topP: 0.95 },
              seed: seed + round,
            },
            { signal },
          )
          const rows = answers.flatMap(({ text, finishReason }, place): NewInference[] => {
            const line = text.replace(/\s+/g, ' ').trim()
            if (!filter.keep(line, finishReason === 'stop')) return []
            return [
              promptRow(line, shown[place]!, { id: idOf(place), occurredAt: newest, name, adapter, model }),
            ]
          })
          await storeAll(project, rows)
          made.push(...rows.map(({ id }) => id))
        }
        onProgress(Math.min(made.length, wanted), wanted)
      }
      const { selection: prompts } = await makeSelection(project, 'inferences', {
        ids: made.slice(0, wanted).sort(),
      })
      const report: SynthesisedPrompts = {
        ...{ measure: 'synthesised-prompts', generator, rounds },
        ...filter.counts,
      }
      return [
        { role: 'prompts', kind: 'selection', schemaVersion: 1, value: prompts },
        { role: 'report', kind: 'measurement', schemaVersion: 1, value: report },
      ]
    },
  })
}

function lastText({ payload }: InferenceRow): string {
  return payload.messages.at(-1)!.content.replace(/\s+/g, ' ').trim()
}

/** The examples as turns of a conversation that goes on. */
function request(shown: readonly string[]): Message[] {
  const turns = shown.flatMap((content): Message[] => [
    { role: 'user', content: ASK },
    { role: 'assistant', content },
  ])
  return [...turns, { role: 'user', content: ASK }]
}

function promptRow(
  line: string,
  shown: readonly InferenceRow[],
  row: { id: string; occurredAt: Date; name: string; adapter: string; model: string },
): NewInference {
  const { id, occurredAt, name, adapter, model } = row
  const lead = shown[0]!.payload.messages.filter(({ role }) => role === 'system' || role === 'developer')
  return {
    ...{ id, occurredAt, derivedFrom: shown.map((each) => each.id), subject: null },
    payload: {
      messages: [...lead, { role: 'user', content: line }],
      ...{ response: null, model, adapter: null, route: `rescue/${name}`, parameters: {}, latencyMs: null },
      ...{ usage: null, finishReason: null, source: { kind: 'rescue', adapter, confidence: null } },
    },
  }
}
