import { expect, test } from 'vitest'
import { newEventId } from './event-id.ts'

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

test('ids are UUIDs of version 7 that grow within a millisecond, and when the clock goes back', () => {
  const now = Date.now() + 1_000_000
  const times = [...Array.from({ length: 10_000 }, () => now), now - 5_000, now + 60_000]
  const ids = times.map(newEventId)
  expect(ids.filter((id) => !UUID_V7.test(id))).toEqual([])
  expect(ids.toSorted()).toEqual(ids)
  expect(new Set(ids).size).toBe(ids.length)
  expect(Number.parseInt(ids.at(-1)!.replace('-', '').slice(0, 12), 16)).toBe(now + 60_000)
})
