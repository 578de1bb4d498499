import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chrF } from './chrf.ts'
import { rougeL } from './rouge-l.ts'

interface Golden {
  text: string
  reference: string
  chrf: number
  rougeL?: number
}

/** Of sacrebleu 2.6.0 and rouge-score 0.1.2, by scripts/parity/similarity_golden.py. */
const GOLDEN = JSON.parse(
  readFileSync(join(import.meta.dirname, 'similarity-golden.json'), 'utf8'),
) as Golden[]

test.each(GOLDEN)('$text against $reference is as similar as the reference programs say', (pair) => {
  expect(chrF(pair.text, pair.reference)).toBeCloseTo(pair.chrf, 12)
  if (pair.rougeL !== undefined) expect(rougeL(pair.text, pair.reference)).toBeCloseTo(pair.rougeL, 12)
})

test('a similarity lies in 0 to 1, and is 1 for a text and itself', () => {
  const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.stringMatching(/^[abc ]{0,20}$/))
  fc.assert(
    fc.property(text, text, (one, other) => {
      for (const similarity of [chrF, rougeL]) {
        expect(similarity(one, other)).toBeGreaterThanOrEqual(0)
        expect(similarity(one, other)).toBeLessThanOrEqual(1 + 1e-12)
      }
      if (/\S/u.test(one)) expect(chrF(one, one)).toBeCloseTo(1, 12)
      if (/[abc]/.test(one)) expect(rougeL(one, one)).toBe(1)
      // ROUGE-L with equal weights does not care which is the reference.
      expect(rougeL(one, other)).toBeCloseTo(rougeL(other, one), 12)
    }),
  )
})
