import { expect, test } from 'vitest'
import { type StoredMeasurement, upcastMeasurement } from './measurement.ts'

test('what was measured before scores were kept reads as right or wrong; a measurement of something else is refused', () => {
  const about = { suite: 'sha256:s', base: 'sha256:b', adapter: null, maxTokens: 24 }
  const read = upcastMeasurement({
    measures: 'suite-accuracy',
    ...about,
    items: [
      { id: 'a', answer: 'x', correct: true },
      { id: 'b', answer: 'y', correct: false },
    ],
  })
  expect(read).toEqual({
    measures: 'suite-scores',
    ...about,
    scorer: { kind: 'label-match' },
    items: [
      { id: 'a', answer: 'x', correct: true, score: 1 },
      { id: 'b', answer: 'y', correct: false, score: 0 },
    ],
  })
  expect(upcastMeasurement(read)).toBe(read)
  const other = { measures: 'canary-exposure' } as unknown as StoredMeasurement
  expect(() => upcastMeasurement(other)).toThrow(/canary-exposure, not scores on a suite/)
})
