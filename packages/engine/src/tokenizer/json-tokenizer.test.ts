import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BYTE_CHARACTERS } from './byte-alphabet.ts'
import { fromTokenizerJson } from './json-tokenizer.ts'
import { StreamDecoder } from './stream-decoder.ts'
import type { TokenizerJson } from './tokenizer-json.ts'
import { trainBpe } from './train-bpe.ts'

const TICKETS = [
  "I can't log in since the update, the login page says error 4042.\n",
  'Please cancel my order 77123 and refund the 19.99 €, the order page does not let me.',
  'Die Überweisung über 250 € ist nicht angekommen – bitte prüfen!',
  "We're seeing the error again; we've cleared the cache and the error stays.",
]
const DEFINITION = trainBpe(TICKETS, { vocabSize: 297, specialTokens: ['<|end|>'] })
const tokenizer = fromTokenizerJson(DEFINITION)

// tokenizers 0.23.3 (Python), trained on the same texts (train-bpe.test.ts checks that the merges are equal).
const GOLDENS: [string, number[]][] = [
  ['the error page<|end|> the order', [259, 274, 294, 0, 260, 288, 278]],
  ['\u00dcberweisung 4042 \u20ac', [128, 251, 276, 284, 280, 283, 71, 221, 20, 16, 20, 18, 295]],
  ['since  the\n\tupdate', [83, 262, 277, 221, 260, 199, 198, 85, 80, 68, 65, 282]],
  [
    '\u0663\u00bd\u00b2 the\u0085 \u0085the',
    [150, 97, 127, 122, 127, 111, 260, 127, 228, 221, 127, 228, 259],
  ],
  ['\ufeffthe \ufeff', [172, 120, 124, 259, 221, 172, 120, 124]],
  ['\u65e5\u672c \ud83d\ude00', [163, 246, 99, 163, 251, 106, 221, 173, 254, 247, 223]],
]

test.each(GOLDENS)('encodes %j as the reference does', (text, ids) => {
  expect(tokenizer.encode(text)).toEqual(ids)
})

test('digits and white space are those of Unicode, not of JavaScript', () => {
  const merges = ['Â ½', 'Â½ Â½', 'Ù £', 'Ù£ 1', 'Â ħ', '! Âħ', 'ï »', 'ï» ¿', '! ï»¿']
  const tokens = [...[...BYTE_CHARACTERS].sort(), ...merges.map((merge) => merge.replace(' ', ''))]
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]))
  const mixed = fromTokenizerJson({
    ...DEFINITION,
    added_tokens: [],
    model: { ...DEFINITION.model, vocab, merges },
  })
  const pieces = (text: string) => mixed.encode(text).map((id) => mixed.decode([id]))
  // tokenizers 0.23.3 (Python) over the same vocabulary and merges.
  expect(pieces('½½')).toEqual(['½', '½'])
  expect(pieces('٣1')).toEqual(['٣', '1'])
  expect(pieces('!\u0085')).toEqual(['!', '\u0085'])
  expect(pieces('!\ufeff')).toEqual(['!\ufeff'])
})

const anyText = fc.string({ unit: 'binary', maxLength: 60 })

test('any text comes back whole, at once and token by token', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const ids = tokenizer.encode(text)
      expect(tokenizer.decode(ids)).toBe(text)
      const stream = new StreamDecoder(tokenizer)
      expect(ids.map((id) => stream.push(id)).join('') + stream.end()).toBe(text)
    }),
  )
})

test('text that is streamed never holds half a character', () => {
  const stream = new StreamDecoder(tokenizer)
  const pieces = tokenizer.encode('€ 👩‍💻').map((id) => stream.push(id))
  expect(pieces.filter((piece) => piece !== '')).toEqual(['€', ' ', '👩', '‍', '💻'])
  expect(stream.end()).toBe('')
})

test('any ids at all decode to the same text at once and token by token', () => {
  const anyIds = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 40 })
  fc.assert(
    fc.property(anyIds, fc.boolean(), (ids, skipSpecialTokens) => {
      const bytes = ids.filter((id) => !(skipSpecialTokens && id === 0)).map((id) => tokenizer.tokenBytes(id))
      const whole = new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(bytes))
      expect(tokenizer.decode(ids, { skipSpecialTokens })).toBe(whole)
    }),
  )
  expect(() => tokenizer.decode([-1])).toThrow('-1 is no token id')
})

test('incomplete UTF-8 at the end becomes one replacement character', () => {
  const [first, second] = tokenizer.encode('😀')
  const stream = new StreamDecoder(tokenizer)
  expect(stream.push(first!) + stream.push(second!)).toBe('')
  expect(stream.end()).toBe('\ufffd')
})

test('the empty text has no tokens, and no tokens are the empty text', () => {
  expect(tokenizer.encode('')).toEqual([])
  expect(tokenizer.decode([])).toBe('')
})

test('bos of a template is added on demand only', () => {
  const withBos = fromTokenizerJson({
    ...DEFINITION,
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<|end|>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [],
      special_tokens: { '<|end|>': { id: '<|end|>', ids: [0], tokens: ['<|end|>'] } },
    },
  })
  const ids = withBos.encode('the error')
  expect(withBos.encode('the error', { addSpecialTokens: true })).toEqual([0, ...ids])
  expect(withBos.encode('', { addSpecialTokens: true })).toEqual([0])
})

test('names the part of a definition that it does not support', () => {
  const changed = (changes: Partial<Record<keyof TokenizerJson, unknown>>) => () =>
    fromTokenizerJson({ ...DEFINITION, ...changes })
  expect(changed({ model: { ...DEFINITION.model, type: 'Unigram' } })).toThrow('model of type Unigram')
  expect(changed({ decoder: { type: 'WordPiece' } })).toThrow('decodes by WordPiece')
  expect(changed({ decoder: null })).toThrow('decodes by none')
  expect(changed({ pre_tokenizer: { type: 'Whitespace' } })).toThrow('the type Whitespace')
  const merging = { type: 'Split', pattern: { String: ' ' }, behavior: 'MergedWithNext', invert: false }
  expect(changed({ pre_tokenizer: merging })).toThrow('behavior MergedWithNext')
  expect(changed({ normalizer: { type: 'Nmt' } })).toThrow('tokenizer.json cannot be used')
  expect(changed({ model: { ...DEFINITION.model, vocab: { a: -1 } } })).toThrow('no valid vocabulary')
  expect(() => fromTokenizerJson('text')).toThrow('has no model')
})
