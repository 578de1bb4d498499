import { Random } from '@regraft/methods'
import { z } from 'zod'
import { rowId } from '../../capture/index.ts'
import { RegraftError } from '../../errors/index.ts'
import { defineStep, makeSelection, queryOf, type Selection, type Step } from '../../lineage/index.ts'
import { type AnyBase, requireLocalBase } from '../../models/index.ts'
import type { InferenceRow, NewInference } from '../../store/types.ts'
import { type LabelOptions, storeAll } from './label-prompts.ts'
import { type KeptPrompts, PromptFilter } from './prompt-filter.ts'

/** Examples that a request shows, and prompts that it asks for. */
const SHOWN = 6
const WANTED = 8
/** Requests that are made together. */
const REQUESTS_AT_ONCE = 8
/** Rounds beyond those that would do if every line were kept †: a base that repeats itself must end. */
const PATIENCE = 6
const TOKENS_PER_PROMPT = 60

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
 * 2023, "Self-Instruct"), and keeps those that are new, of like length and in the same script. Each is a row derived from those
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
      const most = Math.ceil(wanted / (WANTED * REQUESTS_AT_ONCE)) * PATIENCE
      for (; made.length < wanted && rounds < most; rounds++) {
        signal.throwIfAborted()
        const round = rounds
        const idOf = (place: number) =>
          rowId(newest, ['rescue-prompt', adapter, generator, seed, round, place])
        const ids = Array.from({ length: WANTED * REQUESTS_AT_ONCE }, (_, place) => idOf(place))
        const known: InferenceRow[] = []
        for await (const row of project.inferences.select({ ids })) known.push(row)
        if (known.length > 0) {
          for (const row of known) filter.keep(lastText(row))
          made.push(...known.map(({ id }) => id))
        } else {
          const random = new Random(seed, `prompts/${round}`)
          const shown = Array.from({ length: REQUESTS_AT_ONCE }, () =>
            random.shuffle(examples).slice(0, SHOWN),
          )
          const answers = await engines.generate(
            project,
            { base: generator, adapter: null },
            {
              conversations: shown.map((rows) => [{ role: 'user', content: request(rows.map(lastText)) }]),
              maxTokens: WANTED * TOKENS_PER_PROMPT,
              sampling: { temperature, topP: 0.95 },
              seed: seed + round,
            },
            { signal },
          )
          const rows = answers.flatMap(({ text }, index) =>
            linesOf(text)
              .slice(0, WANTED)
              .map((line, place) => ({ line, place: index * WANTED + place, from: shown[index]! }))
              .filter(({ line }) => filter.keep(line))
              .map(({ line, place, from }): NewInference => {
                return promptRow(line, from, { id: idOf(place), occurredAt: newest, name, adapter, model })
              }),
          )
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

function request(shown: readonly string[]): string {
  const list = shown.map((text, index) => `${index + 1}. ${text}`).join('\n')
  return `Here are messages that people sent:\n${list}\nWrite ${WANTED} other messages of this kind, each about something else, one on each line.`
}

/** The lines of an answer without numbers, bullets and quotation marks around them. */
function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/^\s*(?:\d+[.)]|[-*•])\s*/, '').trim())
    .map((line) => line.replace(/^["“](.*)["”]$/u, '$1').trim())
    .filter((line) => line !== '')
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
