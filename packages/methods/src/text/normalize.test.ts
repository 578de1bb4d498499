import fc from 'fast-check'
import { expect, test } from 'vitest'
import { normalizeText } from './normalize.ts'

test('copies that differ in case, punctuation and white space become equal', () => {
  expect(normalizeText('  Where\u00a0IS my — "card"?!\n')).toBe('where is my card')
  expect(normalizeText("I can't log in…")).toBe(normalizeText('i can’t LOG-IN'))
})

test('compatibility forms, ligatures and composed letters fold together', () => {
  // Each pair has the same NFKC_Casefold in Unicode (full-width letters, ligature, composed and decomposed accent).
  expect(normalizeText('Ｃａｒｄ ﬁle')).toBe('card file')
  expect(normalizeText('cafe\u0301')).toBe(normalizeText('CAFÉ'))
  expect(normalizeText('Straße')).toBe(normalizeText('STRASSE'))
  expect(normalizeText('ΟΔΟΣ')).toBe(normalizeText('οδος'))
})

test('invisible characters cannot hide a copy', () => {
  expect(normalizeText('tra\u200bns\u00adfer\ufeff')).toBe('transfer')
})

test('amounts and formulas keep what tells them apart', () => {
  expect(normalizeText('€5')).not.toBe(normalizeText('$5'))
  expect(normalizeText('1+1')).not.toBe(normalizeText('1-1'))
})

test('lone surrogates and NUL separate words instead of failing', () => {
  expect(normalizeText('a\ud800b\u0000c')).toBe('a b c')
})

test('normalising twice changes nothing, and nothing is left to collapse', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
      const once = normalizeText(text)
      expect(normalizeText(once)).toBe(once)
      expect(once).toBe(once.trim())
      expect(once).not.toMatch(/\s{2}/)
    }),
    { numRuns: 2000 },
  )
})
