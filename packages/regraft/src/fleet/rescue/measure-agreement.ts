import { z } from 'zod'
import { comparedText, type SnapshotManifest } from '../../datasets/index.ts'
import { defineStep, queryOf, type Selection, type Step } from '../../lineage/index.ts'
import type { InferenceRow, ProjectStore } from '../../store/types.ts'
import { type Agreement, agreementOf } from '../migrate/agreement.ts'
import type { LabelOptions } from './label-prompts.ts'

const PAGE = 500

const Parameters = z.object({ maxTokens: z.int().min(1) })

/** The content of a measurement of how often a new adapter says what the old one said. It holds no text. */
export interface AgreementMeasurement {
  measures: 'agreement'
  base: string
  adapter: string
  /** The adapter that answered before. */
  with: string
  /** On prompts of the kind that was learned from, none of which was; null without any. */
  inDistribution: Agreement | null
  /** On real traffic that was kept back, the newest there was; null without any. */
  traffic: Agreement | null
  /** Rows of that traffic that say the same as a row that was learned from; they are not counted. */
  repeated: number
  items: { id: string; part: 'in-distribution' | 'traffic'; same: boolean }[]
}

/**
 * Asks a new adapter what an old one was asked: the validation rows of the snapshot, and answers that were kept back (role
 * `later`). Inputs: base, adapter, snapshot, later.
 */
export function measureAgreement({ engines, onProgress }: LabelOptions): Step<z.output<typeof Parameters>> {
  return defineStep({
    name: 'fleet/measure-agreement',
    version: 1,
    determinism: 'pure',
    input: Parameters,
    async run({ parameters, inputs, read, project, signal }) {
      const digestOf = (role: string) => inputs.find((input) => input.role === role)!.digest
      const model = { base: digestOf('base'), adapter: digestOf('adapter') }
      const { rows, rescued } = await read<SnapshotManifest>('snapshot')
      const ofSplit = (split: string) =>
        readRows(
          project,
          rows.flatMap((row) => (row.split === split ? row.inference : [])),
        )
      const learned = new Set((await ofSplit('train')).map(textOf))
      const validation = await ofSplit('validation')
      const all: InferenceRow[] = []
      for await (const row of project.inferences.select(queryOf(await read<Selection>('later'))))
        all.push(row)
      const later = all.filter((row) => !learned.has(textOf(row)))
      const asked = [...validation, ...later]
      const answers = await engines.generate(
        project,
        model,
        { conversations: asked.map(({ payload }) => payload.messages), maxTokens: parameters.maxTokens },
        { signal, onProgress },
      )
      const pairs = asked.map(({ id, payload }, index) => {
        return { id, one: answers[index]!.text, other: payload.response ?? '' }
      })
      const [first, second] = [pairs.slice(0, validation.length), pairs.slice(validation.length)]
      const value: AgreementMeasurement = {
        ...{ measures: 'agreement', ...model, with: rescued!.adapter },
        inDistribution: agreementOf(first),
        traffic: agreementOf(second),
        repeated: all.length - later.length,
        items: pairs.map((pair, index) => ({
          id: pair.id,
          part: index < validation.length ? 'in-distribution' : 'traffic',
          same: agreementOf([pair])!.share === 1,
        })),
      }
      return [{ role: 'agreement', kind: 'measurement', schemaVersion: 1, value }]
    },
  })
}

function textOf({ payload }: InferenceRow): string {
  return comparedText(payload.messages)
}

async function readRows(project: ProjectStore, ids: readonly string[]): Promise<InferenceRow[]> {
  const rows: InferenceRow[] = []
  for (let start = 0; start < ids.length; start += PAGE) {
    for await (const row of project.inferences.select({ ids: ids.slice(start, start + PAGE) })) rows.push(row)
  }
  return rows
}
