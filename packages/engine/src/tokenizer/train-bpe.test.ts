import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BYTE_CHARACTERS } from './byte-alphabet.ts'
import { trainBpe } from './train-bpe.ts'

const TICKETS = [
  "I can't log in since the update, the login page says error 4042.\n",
  'Please cancel my order 77123 and refund the 19.99 €, the order page does not let me.',
  'Die Überweisung über 250 € ist nicht angekommen – bitte prüfen!',
  "We're seeing the error again; we've cleared the cache and the error stays.",
]

// tokenizers 0.23.3 (Python): BPE, pre-tokenizers Digits(individual_digits=True) and
// ByteLevel(add_prefix_space=False), BpeTrainer(vocab_size=297, min_frequency=2, special_tokens=['<|end|>'],
// initial_alphabet=ByteLevel.alphabet()) on TICKETS.
const MERGES: string[] = [
  'h e',
  'e r',
  't he',
  'Ġ the',
  'a n',
  'i n',
  'o r',
  'Ġ c',
  'Ġ s',
  'a g',
  'l e',
  'r e',
  'r or',
  'Ġ p',
  'Ġ â',
  'Ġ er',
  'Ġ an',
  'Ġer ror',
  'a y',
  'b er',
  'c e',
  'd er',
  'e n',
  'i s',
  'l o',
  't e',
  'u n',
  'w e',
  'Ã ¼',
  'Ġ m',
  'Ġ n',
  'Ġ or',
  'Ġ lo',
  'Ĥ ¬',
  'Ġc an',
  'ag e',
  'le a',
  'Ġp age',
  'Ġâ Ĥ¬',
  'Ġan d',
]

test("learns the merges of Hugging Face's trainer in the same order", () => {
  const { model } = trainBpe(TICKETS, { vocabSize: 297, specialTokens: ['<|end|>'] })
  expect(model.merges).toEqual(MERGES)
  expect(Object.keys(model.vocab)).toHaveLength(297)
  expect(model.vocab['<|end|>']).toBe(0)
  expect(model.vocab.Ġthe).toBe(260)
})

test('learns nothing from special tokens, across words or from a pair seen once', () => {
  const texts = ['<|end|><|end|><|end|>', '12 12 12', 'a, a, a,', 'xyz']
  const { model } = trainBpe(texts, { vocabSize: 400, specialTokens: ['<|end|>'] })
  expect(model.merges).toEqual(['Ġ a'])
})

test('merges overlapping pairs from left to right and breaks ties by the smaller token ids', () => {
  const { model } = trainBpe(['aaaaa aaaaa'], { vocabSize: 258, specialTokens: [] })
  // Both words become aa aa a, in which (aa, aa) and (aa, a) occur twice each.
  expect(model.merges).toEqual(['a a', 'aa a'])
})

test('every merge joins two known tokens into a known token', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }), { maxLength: 20 }), (texts) => {
      const { model } = trainBpe([...texts, ...texts], { vocabSize: 300, specialTokens: [] })
      const known = new Set(BYTE_CHARACTERS)
      for (const merge of model.merges as string[]) {
        const [left, right] = merge.split(' ') as [string, string]
        expect(known.has(left) && known.has(right)).toBe(true)
        known.add(left + right)
      }
      expect(new Set(Object.keys(model.vocab))).toEqual(known)
      expect(Object.values(model.vocab).sort((a, b) => a - b)).toEqual([...known].map((_, id) => id))
    }),
    { numRuns: 50 },
  )
})

test('refuses a vocabulary without room for the bytes and special tokens that cannot be told apart', () => {
  expect(() => trainBpe([], { vocabSize: 256, specialTokens: ['<|end|>'] })).toThrow('A vocabulary of 256')
  expect(() => trainBpe([], { vocabSize: 300, specialTokens: ['<a>', '<a>'] })).toThrow('named twice')
  expect(() => trainBpe([], { vocabSize: 300, specialTokens: ['a'] })).toThrow('a single character')
})
