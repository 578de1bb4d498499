import { expect, test } from 'vitest'
import { detectEmails } from './email.ts'

const found = (text: string) => detectEmails(text).map(({ start, end }) => text.slice(start, end))

test('addresses are found without the punctuation around them', () => {
  expect(found('Write to ada.lovelace+bank@mail.example.org, or (grace@example.com).')).toEqual([
    'ada.lovelace+bank@mail.example.org',
    'grace@example.com',
  ])
  expect(found('mailto:a_b@example.co.uk?subject=x <x-1@sub.example.travel>')).toEqual([
    'a_b@example.co.uk',
    'x-1@sub.example.travel',
  ])
  expect(found('o\'brien@example.ie and "much more"@example.org')).toEqual([
    "o'brien@example.ie",
    '"much more"@example.org',
  ])
})

test('letters of other scripts and full-width signs are read', () => {
  expect(found('用户@例子.广告 und jürgen@exämple.de, ada＠example．org')).toEqual([
    '用户@例子.广告',
    'jürgen@exämple.de',
    'ada＠example．org',
  ])
  expect(found('x@xn--bcher-kva.xn--p1ai')).toEqual(['x@xn--bcher-kva.xn--p1ai'])
})

test('what only has an @ is no address', () => {
  for (const text of [
    '@ada hello',
    'ada@',
    'meet @ 5.30pm',
    'a@b',
    'x @ example.org',
    'ada..b@example.org',
    'v@1.2.3',
  ]) {
    expect(found(text)).toEqual([])
  }
})

test('a long text without addresses costs no more than its length', () => {
  const text = `${'a.'.repeat(100_000)}@${'b-'.repeat(100_000)}`
  expect(found(text)).toEqual([])
})
