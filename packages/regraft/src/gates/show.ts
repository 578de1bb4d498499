import { z } from 'zod'
import { Scorer, type ScorerSettings } from '../config/index.ts'
import { RegraftError } from '../errors/index.ts'
import { shortDigest } from '../lineage/index.ts'
import { defineOperation } from '../operation/index.ts'
import { readMeasurement } from './measurement.ts'
import { type PreferenceSummary, summarizePreferences } from './preferences.ts'

/** Per-item results of a model on a suite; the questions stay sealed. */
export const showOperation = defineOperation({
  name: 'gates show',
  effect: 'read',
  scope: 'read',
  mode: 'call',
  summary: 'Show how a model answered each item of a suite, without the sealed questions',
  input: z.object({
    measurement: z.string().describe('digest of a measurement, from the evidence of a verdict'),
  }),
  output: z.object({
    measurement: z.string(),
    suite: z.string(),
    base: z.string(),
    adapter: z.string().nullable(),
    scorer: z.custom<ScorerSettings>((value) => Scorer.safeParse(value).success),
    items: z.array(
      z.object({
        id: z.string(),
        answer: z.string(),
        score: z.number(),
        correct: z.boolean(),
        slices: z.record(z.string(), z.string()).optional(),
        confidence: z.number().optional().describe('probability of the whole answer'),
      }),
    ),
    unjudged: z.array(z.string()).describe('items of which a judge said nothing that can be read'),
    preferences: z
      .custom<PreferenceSummary>((value) => typeof value === 'object' && value !== null && 'winRate' in value)
      .nullable()
      .describe(
        'of a comparison by a judge: win rate, ties, pairs that the order decided, win rate at equal length',
      ),
  }),
  positionals: ['measurement'],
  example: 'regraft gates show e4dc3f4d4815',
  render({ suite, adapter, base, scorer, items, unjudged, preferences }) {
    const wrong = items.filter(({ correct }) => !correct)
    const mean = items.reduce((sum, { score }) => sum + score, 0) / Math.max(1, items.length)
    const model = adapter ? `adapter ${shortDigest(adapter)}` : `base ${shortDigest(base)}`
    const lines = [
      ...(preferences ? [describePreferences(preferences, items.length)] : []),
      ...(unjudged.length > 0 ? [`${unjudged.length} items without a judgement that can be read`] : []),
      `${model} on suite ${shortDigest(suite)}, ${scorer.kind}: ${items.length - wrong.length} of ${items.length} right, mean score ${mean.toFixed(3)}${wrong.length > 0 ? '; wrong:' : ''}`,
    ]
    for (const { id, answer, score } of wrong) {
      lines.push(`  ${id}  ${score.toFixed(2)}  ${answer.replace(/\s+/g, ' ').slice(0, 80)}`)
    }
    return lines.join('\n')
  },
  async run({ store }, input) {
    const artifact = await store.artifacts.resolve(input.measurement)
    if (artifact.kind !== 'measurement') {
      throw new RegraftError(
        'invalid-input',
        `${input.measurement} is a ${artifact.kind}, not a measurement`,
        {
          hint: 'regraft gates check --json lists the measurements in verdict.evidence',
        },
      )
    }
    const measurement = await readMeasurement(store, artifact.digest)
    const { suite, base, adapter, scorer, items, unjudged = [] } = measurement
    return {
      ...{ measurement: artifact.digest, suite, base, adapter, scorer, unjudged },
      preferences: summarizePreferences(items),
      items: items.map(({ id, answer, score, correct, slices, confidence }) => ({
        ...{ id, answer, score, correct },
        ...(slices ? { slices } : {}),
        ...(confidence ? { confidence: confidence.whole } : {}),
      })),
    }
  },
})

function describePreferences({ winRate, ties, orderDecided, atEqualLength }: PreferenceSummary, n: number) {
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`
  const even =
    atEqualLength === null
      ? 'length cannot be told from merit'
      : `${percent(atEqualLength.estimate)} [${percent(atEqualLength.low)}, ${percent(atEqualLength.high)}] at equal length`
  return `win rate ${percent(winRate)}, ${even}; ${ties} of ${n} ties, the order decided ${orderDecided} pairs`
}
