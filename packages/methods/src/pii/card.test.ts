import fc from 'fast-check'
import { expect, test } from 'vitest'
import { detectCards, passesLuhn } from './card.ts'

const found = (text: string) => detectCards(text).map(({ value }) => value)

test('the test numbers that card networks publish are found', () => {
  const published = [
    '4111111111111111',
    '4222222222222',
    '5555555555554444',
    '2223003122003222',
    '378282246310005',
    '6011111111111117',
    '30569309025904',
    '3530111333300000',
    '6759649826438453',
    '6200000000000005',
  ]
  for (const number of published) expect(found(`card ${number}.`)).toEqual([number])
})

test('groups with one kind of separator are one number, whatever follows', () => {
  expect(found('4111 1111 1111 1111 12/27 123')).toEqual(['4111111111111111'])
  expect(found('3782-822463-10005')).toEqual(['378282246310005'])
  expect(found('4111‑1111‑1111‑1111, 4111\u00a01111\u00a01111\u00a01111')).toEqual([
    '4111111111111111',
    '4111111111111111',
  ])
  expect(found('2 4111 1111 1111 1111, 4111  1111  1111  1111')).toEqual([
    '4111111111111111',
    '4111111111111111',
  ])
})

test('a wrong check digit, length or issuer, or a letter beside it, is no card', () => {
  for (const text of [
    '4111111111111112',
    '41111111111111113',
    '9111111111111111',
    'REF4111111111111111',
    '4111111111111111X',
    '4111 1111-1111 1111',
    '+4222222222222',
  ]) {
    expect(found(text)).toEqual([])
  }
})

test('exactly one of ten last digits passes, and a swapped pair of neighbours fails but for 0 and 9', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^\d{12,18}$/), fc.nat(10), (digits, at) => {
      const valid = [...'0123456789'].map((last) => digits + last).filter(passesLuhn)
      expect(valid).toHaveLength(1)
      const [number] = valid as [string]
      const [left, right] = [number[at]!, number[at + 1]!]
      const swapped = number.slice(0, at) + right + left + number.slice(at + 2)
      const unseen = left === right || [left, right].sort().join('') === '09'
      expect(passesLuhn(swapped)).toBe(unseen)
    }),
  )
})
