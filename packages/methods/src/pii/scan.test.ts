import { readdirSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { foldSymbols } from './fold.ts'
import { countPii, maskPii } from './mask.ts'
import { PII_DETECTORS, piiScanner } from './scan.ts'

const scan = piiScanner({ names: ['Ada Lovelace', 'Ada'] })

test('every detector is listed', () => {
  const files = readdirSync(import.meta.dirname).filter((name) => !name.endsWith('.test.ts'))
  const others = [
    'digit-groups.ts',
    'fold.ts',
    'index.ts',
    'mask.ts',
    'merge.ts',
    'name.ts',
    'scan.ts',
    'span.ts',
  ]
  const kinds = files.filter((name) => !others.includes(name)).map((name) => name.replace('.ts', ''))
  expect(PII_DETECTORS.map(({ kind }) => kind).sort()).toEqual(kinds.sort())
})

test('a piece has one kind: that of the detector further up', () => {
  const kinds = (text: string) => scan(text).map(({ kind }) => kind)
  expect(kinds('Ada.Lovelace@example.org')).toEqual(['email'])
  expect(kinds('call 4111 1111 1111 1111')).toEqual(['card'])
  expect(kinds('DE89 3704 0044 0532 0130 00')).toEqual(['iban'])
  expect(kinds('Ada Lovelace, +44 20 7946 0958, 81.2.69.142')).toEqual(['name', 'phone', 'ip'])
})

test('spans of less confidence than asked for are left out', () => {
  expect(piiScanner({ minConfidence: 0.7 })('10.0.0.1 and 81.2.69.142').map(({ value }) => value)).toEqual([
    '81.2.69.142',
  ])
  expect(() => piiScanner({ minConfidence: 2 })).toThrow(RangeError)
})

test('equal values get equal masks in all texts of a row', () => {
  const { texts, spans } = maskPii(
    ['I am ada@example.org, he is bob@example.org', 'Mail ADA@example.org or Ada Lovelace', 'no data'],
    scan,
  )
  expect(texts).toEqual(['I am [EMAIL_1], he is [EMAIL_2]', 'Mail [EMAIL_1] or [NAME_1]', 'no data'])
  expect(countPii(spans.flat())).toEqual({ email: 3, name: 1 })
})

test('masks that are there keep their numbers, and masking again changes nothing', () => {
  const { texts } = maskPii(['[EMAIL_2] wrote to ada@example.org'], scan)
  expect(texts).toEqual(['[EMAIL_2] wrote to [EMAIL_3]'])
  expect(maskPii(texts, scan).texts).toEqual(texts)
})

test('spans are in order, do not overlap, and lie in the text', () => {
  const piece = fc.constantFrom(
    'ada@example.org',
    '4111111111111111',
    '+44 20 7946 0958',
    ' ',
    '1',
    'Ada',
    '.',
    '81.2.69.142',
    '\u{1f600}',
    '٣',
  )
  fc.assert(
    fc.property(
      fc.array(fc.oneof(piece, fc.string({ unit: 'grapheme', maxLength: 5 })), { maxLength: 12 }),
      (parts) => {
        const text = parts.join('')
        let end = 0
        for (const span of scan(text)) {
          expect(span.start).toBeGreaterThanOrEqual(end)
          expect(span.end).toBeGreaterThan(span.start)
          end = span.end
        }
        expect(end).toBeLessThanOrEqual(text.length)
      },
    ),
  )
})

test('a long list of addresses costs no more than its length', () => {
  const text = 'a@b.co, +442079460958, Ada Lovelace, 81.2.69.142, 2a02::1\n'.repeat(4000)
  expect(countPii(scan(text))).toEqual({ email: 4000, phone: 4000, name: 4000, ip: 8000 })
})

test('symbols are folded in place', () => {
  expect(foldSymbols('٠١٢–９\u00a0（x）😀')).toBe('012-9 (x)😀')
  const unit = fc.constantFrom('٣', '９', '\u{1d7d9}', '\u2009', '—', '＠', 'a', '\ud83d', '߀', '𞥐')
  fc.assert(fc.property(fc.string({ unit }), (text) => foldSymbols(text).length === text.length))
})
