import { expect, test } from 'vitest'
import { detectPhones } from './phone.ts'

const found = (text: string) => detectPhones(text).map(({ start, end }) => text.slice(start, end))

// Numbers that regulators keep for films: Ofcom, the Bundesnetzagentur, the North American Numbering Plan, ARCEP.
test('international numbers are found in every usual form', () => {
  for (const number of [
    '+44 20 7946 0958',
    '+442079460958',
    '+44 (0)20 7946 0958',
    '+49 30 23125 000',
    '+49-30-23125-000',
    '+1 (212) 555-0123',
    '+1.212.555.0123',
    '0049 30 23125000',
    '+33 1 99 00 12 34',
    '＋44 20 7946 0958',
  ]) {
    expect(found(`Call ${number}, please.`)).toEqual([number])
  }
})

test('national numbers are found in their usual groups', () => {
  for (const number of [
    '(212) 555-0123',
    '212-555-0123',
    '212.555.0123',
    '1-800-555-0199',
    '020 7946 0958',
    '(030) 23125 000',
    '030/23125-000',
    '01 99 00 12 34',
    '07700 900123',
  ]) {
    expect(found(`I am at ${number} now`)).toEqual([number])
  }
})

test('bare digits are a number only where words say so', () => {
  expect(found('my phone number is 5550123456')).toEqual(['5550123456'])
  expect(found('Tel.: 23125000')).toEqual(['23125000'])
  expect(found('text me on 07700900123')).toEqual(['07700900123'])
  expect(found('Handynummer: 0151 23456789')).toEqual(['0151 23456789'])
  expect(found('order 5550123456, card ending 23125000')).toEqual([])
})

test('dates, amounts, references and ranges are no telephone numbers', () => {
  for (const text of [
    'on 2026-11-26 at 10:30',
    '01.02.2026',
    '26 11 2026',
    'I paid 1,234,567.89 and 20 000 000',
    'between 100-200 and 300-400',
    'version 10.4.2.1123',
    'ref 0012-33',
    'the year 2024 2025 2026',
    '0.5 1.25 0.75',
    'A020 7946 0958',
    '+1 and +2',
    '1+1234567',
  ]) {
    expect(found(text)).toEqual([])
  }
})

test('a number behind the telephone number stays', () => {
  expect(found('+44 20 7946 0958 2026-11-26')).toEqual(['+44 20 7946 0958'])
  expect(found('+49 30 23125000 2 times')).toEqual(['+49 30 23125000'])
})
