import { z } from 'zod'
import { RegraftError } from '../errors/index.ts'
import { shortDigest } from '../lineage/index.ts'
import { defineOperation } from '../operation/index.ts'
import type { SuiteMeasurement } from './evaluate.ts'

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
    items: z.array(z.object({ id: z.string(), answer: z.string(), correct: z.boolean() })),
  }),
  positionals: ['measurement'],
  example: 'regraft gates show e4dc3f4d4815',
  render({ suite, adapter, base, items }) {
    const wrong = items.filter(({ correct }) => !correct)
    const model = adapter ? `adapter ${shortDigest(adapter)}` : `base ${shortDigest(base)}`
    const lines = [
      `${model} on suite ${shortDigest(suite)}: ${items.length - wrong.length} of ${items.length} right; wrong:`,
    ]
    for (const { id, answer } of wrong) lines.push(`  ${id}  ${answer.replace(/\s+/g, ' ').slice(0, 80)}`)
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
    const { suite, base, adapter, items } = await store.artifacts.read<SuiteMeasurement>(artifact.digest)
    return { measurement: artifact.digest, suite, base, adapter, items }
  },
})
