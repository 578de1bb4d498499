import { expect, test } from 'vitest'
import { LossWatch, requireSound } from './loss-watch.ts'

test('a run explodes when its smoothed loss rises to four times its first level, not by one hard batch', () => {
  const watch = new LossWatch()
  const falling = Array.from({ length: 30 }, (_, i) => 2 - i / 20)
  expect(falling.some((loss) => watch.explodes(loss))).toBe(false)
  expect(watch.explodes(40)).toBe(false)
  expect(falling.some((loss) => watch.explodes(loss))).toBe(false)
  const rising = Array.from({ length: 40 }, (_, i) => 2 + i)
  const at = rising.findIndex((loss) => watch.explodes(loss))
  expect(at).toBeGreaterThan(5)
  expect(at).toBeLessThan(25)
})

test('the error names update, examples and advice', () => {
  const figures = { loss: Number.NaN, gradientNorm: 1, update: 7, examples: [4, 9] }
  expect(() => requireSound(new LossWatch(), figures)).toThrow(
    'The loss became NaN at update 7, on the examples 4, 9 (counted from 0)',
  )
  const infinite = { ...figures, loss: 2, gradientNorm: Infinity }
  expect(() => requireSound(new LossWatch(), infinite)).toThrow(/gradient's norm became Infinity/)
})
