import { expect, test } from 'vitest'
import { detectIbans } from './iban.ts'

const found = (text: string) => detectIbans(text).map(({ value }) => value)

test("the examples of SWIFT's registry are found, whole and in groups of four", () => {
  const examples = [
    'GB82 WEST 1234 5698 7654 32',
    'DE89 3704 0044 0532 0130 00',
    'FR14 2004 1010 0505 0001 3M02 606',
    'NO93 8601 1117 947',
    'MT84 MALT 0110 0001 2345 MTLC AST0 01S',
    'SA03 8000 0000 6080 1016 7519',
    'CH93 0076 2011 6238 5295 7',
  ]
  for (const example of examples) {
    const value = example.replaceAll(' ', '')
    expect(found(`IBAN: ${example}.`)).toEqual([value])
    expect(found(`(${value.toLowerCase()})`)).toEqual([value])
  }
})

test('two accounts in one text are two, and the words behind them stay', () => {
  expect(found('from DE89370400440532013000 to NO9386011117947 today')).toEqual([
    'DE89370400440532013000',
    'NO9386011117947',
  ])
  const text = 'NO93 8601 1117 947 is mine'
  expect(detectIbans(text).map(({ start, end }) => text.slice(start, end))).toEqual(['NO93 8601 1117 947'])
})

test('wrong check digits, lengths and unknown countries are no accounts', () => {
  for (const text of [
    'DE88370400440532013000',
    'DE8937040044053201300',
    'DE893704004405320130001',
    'XX89370400440532013000',
    'ABCDE89370400440532013000',
  ]) {
    expect(found(text)).toEqual([])
  }
})
