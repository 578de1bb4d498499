import { expect, test } from 'vitest'
import { nameDetector } from './name.ts'

const detect = nameDetector([
  'Ada Lovelace',
  'Ada',
  'rose',
  'GRACE HOPPER',
  'Jean-Luc',
  "O'Neill",
  'Zoë',
  '山田太郎',
  '김철수',
  'X',
])
const found = (text: string) => detect(text).map(({ start, end }) => text.slice(start, end))

test('names are whole words, and the longest wins', () => {
  expect(found("Ada's card; Adaptive; ADA LOVELACE; Ada  Lovelace, Grace Hopper")).toEqual([
    'Ada',
    'ADA LOVELACE',
    'Ada  Lovelace',
    'Grace Hopper',
  ])
  expect(found('Ada and Lovelace, Jean-Luc, Jean Luc, O’Neill, Xavier X')).toEqual([
    'Ada',
    'Jean-Luc',
    'Jean Luc',
    'O’Neill',
  ])
})

test('small letters are a name only with several words', () => {
  expect(found('a rose, for Rose from ada lovelace and ada')).toEqual(['Rose', 'ada lovelace'])
})

test('composed and decomposed letters are the same', () => {
  expect(found('Zoe\u0308 and Zoë and Zoë\u0301')).toEqual(['Zoe\u0308', 'Zoë'])
})

test('scripts without spaces are searched as they are', () => {
  expect(found('私は山田太郎です。김철수입니다')).toEqual(['山田太郎', '김철수'])
})

test('the same name has one value, and less confidence where a sentence begins', () => {
  const spans = detect('Ada wrote. I know Ada. ADA')
  expect(new Set(spans.map(({ value }) => value))).toEqual(new Set(['ada']))
  expect(spans.map(({ confidence }) => confidence)).toEqual([0.6, 0.85, 0.7])
})
