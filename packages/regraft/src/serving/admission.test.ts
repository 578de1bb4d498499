import { expect, test } from 'vitest'
import { Admission } from './admission.ts'

test('so many requests of one base are let in, and one that leaves makes room for one', () => {
  const admission = new Admission(2)
  const leave = admission.enter('a')
  admission.enter('a')
  admission.enter('b')
  expect(() => admission.enter('a')).toThrow('2 requests to this base run or wait already')
  leave()
  leave()
  admission.enter('a')
  expect(() => admission.enter('a')).toThrow(expect.objectContaining({ code: 'overloaded' }))
})

test.each([
  ['ten a second', 100, 1],
  ['one a second', 1_000, 8],
  ['one in ten seconds', 10_000, 60],
])('who is refused is told to come back by the pace of late: %s', (_, pace, seconds) => {
  let now = 0
  const admission = new Admission(16, () => now)
  for (let i = 0; i < 20; i++) {
    const leave = admission.enter('a')
    now += pace
    leave()
  }
  for (let i = 0; i < 16; i++) admission.enter('a')
  const refused = (() => {
    try {
      admission.enter('a')
    } catch (error) {
      return error
    }
  })()
  const { retryAfter } = (refused as { details: { retryAfter: number } }).details
  expect(Math.abs(retryAfter - seconds)).toBeLessThanOrEqual(1)
})
