// Snapshots of any texts, exported, imported into an empty project and built there, are the same examples.
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  newProject,
  openDesk,
  roundTrip,
  type Said,
  traffic,
} from '../../packages/regraft/src/datasets/fixtures/round-trip.ts'

const author = null
let close: () => Promise<void>
beforeAll(async () => {
  close = await openDesk()
})
afterAll(() => close())

test('any texts come back', async () => {
  const text = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
    .filter((value) => value.trim() !== '' && !value.includes('\0'))
  const property = fc.asyncProperty(
    fc.uniqueArray(fc.tuple(text, text, text), {
      minLength: 1,
      maxLength: 12,
      selector: ([question]) => question.trim().toLowerCase(),
    }),
    fc.constantFrom(
      ['preferences', 'trl'] as const,
      ['desirability', 'parquet'] as const,
      ['demonstrations', 'openai'] as const,
    ),
    async (rows, [kind, format]) => {
      const { project, context } = await newProject()
      await traffic(
        project,
        rows.map(([question, answer, value], index) => ({
          text: `${index} ${question}`,
          answer: `${answer} ${index}`,
          said: [{ type: 'label', value, author }] as Said,
        })),
      )
      const { original, rebuilt } = await roundTrip(context, kind, format)
      expect(rebuilt).toEqual(original)
    },
  )
  await fc.assert(property, { numRuns: 30, seed: 20_261_126 })
})
