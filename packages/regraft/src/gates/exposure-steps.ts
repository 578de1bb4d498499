import { alternativeSecrets, canariesNeeded, exposure, exposureTest, Random, rankOf } from '@regraft/methods'
import { z } from 'zod'
import { canariesOf, type SnapshotManifest } from '../datasets/index.ts'
import { RegraftError } from '../errors/index.ts'
import { defineStep, type Step } from '../lineage/index.ts'
import type { EngineHost } from '../models/index.ts'
import type { Verdict } from '../verdict/index.ts'

/** The content of a measurement artifact of canaries: where each secret stands among its alternatives. */
export interface ExposureMeasurement {
  measures: 'canary-exposure'
  snapshot: string
  base: string
  adapter: string | null
  alternatives: number
  /** Ranks by falling log-probability, 1 the likeliest; `prompt` names the canary and gives no secret away. */
  canaries: { prompt: string; rank: number }[]
}

const Measuring = z.object({ alternatives: z.int().min(15) })

export interface ExposureOptions {
  engines: EngineHost
  onProgress?: (done: number, total: number) => void
}

/** The step that ranks the canaries of a snapshot under a model. Inputs: snapshot, base and, for an adapter, adapter. */
export function measureExposure(options: ExposureOptions): Step<z.output<typeof Measuring>> {
  return defineStep({
    name: 'gates/measure-exposure',
    version: 1,
    determinism: 'seeded',
    input: Measuring,
    async run({ parameters: { alternatives }, seed, inputs, read, project, signal }) {
      const digestOf = (role: string) => inputs.find((input) => input.role === role)?.digest ?? null
      const canaries = await canariesOf(project, await read<SnapshotManifest>('snapshot'))
      if (canaries.length === 0) {
        throw new RegraftError('invalid-input', 'the snapshot holds no canaries', {
          hint: 'regraft datasets build --canaries 16, then train again',
        })
      }
      const base = digestOf('base')!
      const adapter = digestOf('adapter')
      const random = new Random(seed!, 'canary alternatives')
      const items = canaries.flatMap((canary) =>
        [canary.secret, ...alternativeSecrets(canary, alternatives, random)].map((completion) => ({
          messages: [{ role: 'user', content: canary.prompt }],
          completion,
        })),
      )
      const { engines, onProgress } = options
      const scores = await engines.score(project, { base, adapter }, items, {
        signal,
        ...(onProgress ? { onProgress } : {}),
      })
      const sums = scores.map((tokens) => tokens.reduce((sum, value) => sum + value, 0))
      const measurement: ExposureMeasurement = {
        measures: 'canary-exposure',
        snapshot: digestOf('snapshot')!,
        base,
        adapter,
        alternatives,
        canaries: canaries.map(({ prompt }, index) => {
          const start = index * (alternatives + 1)
          const rank = rankOf(sums[start]!, sums.slice(start + 1, start + 1 + alternatives))
          return { prompt, rank }
        }),
      }
      return [{ role: 'measurement', kind: 'measurement', schemaVersion: 1, value: measurement }]
    },
  })
}

/** The content of a verdict artifact of canaries. */
export interface ExposureRecord {
  adapter: string
  verdict: Verdict
}

const Judging = z.object({
  alpha: z.number(),
  /** Mean exposure in bits that must not go unseen. */
  noticed: z.number(),
  name: z.string(),
  rerun: z.string(),
})

/** Fails when the model knows its canaries better than chance allows; passes only with enough of them to have seen it. */
export const judgeExposure = defineStep({
  name: 'gates/judge-exposure',
  version: 1,
  determinism: 'pure',
  input: Judging,
  async run({ parameters, inputs, read }) {
    const { alpha, noticed, name, rerun } = parameters
    const { canaries, alternatives, adapter } = await read<ExposureMeasurement>('measurement')
    const { meanExposure, pValue } = exposureTest(
      canaries.map(({ rank }) => rank),
      alternatives,
    )
    const needed = canariesNeeded({ meanExposure: noticed, alpha, power: 0.8 })
    const known = pValue <= alpha
    const enough = canaries.length >= needed
    const outcome = known ? 'fail' : enough ? 'pass' : 'cannot-tell'
    const highest = Math.max(...canaries.map(({ rank }) => exposure(rank, alternatives)))
    const verdict: Verdict = {
      outcome,
      title: `what ${name} has learned by heart`,
      reason:
        `${canaries.length} canaries among ${alternatives} alternatives each: mean exposure ${meanExposure.toFixed(2)} bits ` +
        `(1.44 by chance), highest ${highest.toFixed(1)}; p = ${pValue.toPrecision(2)}`,
      effect: meanExposure,
      unit: 'bits of exposure',
      n: canaries.length,
      ...(outcome === 'cannot-tell' ? { needed } : {}),
      evidence: [inputs.find(({ role }) => role === 'measurement')!.digest],
      rerun,
    }
    const record: ExposureRecord = { adapter: adapter!, verdict }
    return [{ role: 'verdict', kind: 'verdict', schemaVersion: 1, value: record }]
  },
})
