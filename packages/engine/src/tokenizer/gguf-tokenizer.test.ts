import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { GgufMetadata } from '../formats/gguf-file.ts'
import { BYTE_CHARACTERS } from './byte-alphabet.ts'
import { fromGguf } from './gguf-tokenizer.ts'
import { StreamDecoder } from './stream-decoder.ts'

const MERGES = [
  '1 2',
  '12 3',
  '123 4',
  '1234 5',
  '4 5',
  '\u0120 \u0120',
  '\u0120\u0120 \u0120',
  '\u0120 a',
  '\u0120a b',
  'a b',
  "' s",
  "' S",
  '! !',
  '!! \u010a',
  '\u010a \u010a',
  '\u0120 1',
  '\u0120 !',
  "a '",
  'a 1',
  '\u0120 \u010a',
  'ab !',
  '\u00c2 \u00bd',
  '\u00d9 \u00a3',
  '\u00c2 \u0127',
  '\u00ef \u00bb',
  '\u00ef\u00bb \u00bf',
  'e \u00cc',
  'e\u00cc \u0123',
  '\u00c3 \u00a9',
  '$ $',
  'a \u00c2',
  '\u010a \u0120',
]
const BYTE_TOKENS = [...BYTE_CHARACTERS].sort()
const TOKENS = [...new Set([...BYTE_TOKENS, ...MERGES.map((merge) => merge.replace(' ', ''))])]

function byteLevelMetadata(pre: string, changes: Record<string, unknown> = {}): GgufMetadata {
  const metadata = {
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': pre,
    'tokenizer.ggml.tokens': TOKENS,
    'tokenizer.ggml.token_type': TOKENS.map(() => 1),
    'tokenizer.ggml.merges': MERGES,
    ...changes,
  }
  return new Map(Object.entries(metadata)) as GgufMetadata
}

const TEXTS = [
  'a12345 12345',
  "a's a'S A's",
  'ab!!\n\n\n  a   ab',
  '   ab\t\n ab!!',
  'x\u00bd\u06633 \u00bd',
  'a\u0085b \u0085a',
  '\ufeffab a\ufeff',
  'e\u0301 \u00e9!',
  '$$ab!! 1 !a',
  ' a1 ab1',
  '1234',
  '\n a\r\n',
]

// tokenizers 0.23.3 (Python): BPE over the same vocabulary and merges. gpt-2: ByteLevel; smollm: Digits(individual_digits)
// and ByteLevel; llama-bpe and qwen2: Split with the pattern of Llama 3's and Qwen 2's tokenizer.json, isolated, and
// ByteLevel without a pattern; qwen2 with NFC, llama-bpe with ignore_merges.
const IDS: Record<string, number[][]> = {
  'gpt-2': [
    [64, 259, 220, 259],
    [64, 266, 263, 6, 50, 220, 32, 266],
    [265, 268, 270, 287, 263, 261, 264],
    [261, 264, 197, 198, 264, 268],
    [87, 277, 278, 18, 220, 277],
    [64, 279, 65, 220, 279, 64],
    [281, 265, 263, 281],
    [68, 136, 223, 220, 284, 0],
    [285, 265, 268, 271, 272, 64],
    [263, 16, 264, 16],
    [258],
    [198, 263, 201, 198],
  ],
  smollm: [
    [64, 16, 17, 18, 19, 20, 220, 16, 17, 18, 19, 20],
    [64, 266, 263, 6, 50, 220, 32, 266],
    [265, 268, 270, 287, 263, 261, 264],
    [261, 264, 197, 198, 264, 268],
    [87, 277, 278, 18, 220, 277],
    [64, 279, 65, 220, 279, 64],
    [281, 265, 263, 281],
    [68, 136, 223, 220, 284, 0],
    [285, 265, 268, 220, 16, 272, 64],
    [263, 16, 264, 16],
    [16, 17, 18, 19],
    [198, 263, 201, 198],
  ],
  'llama-bpe': [
    [64, 257, 260, 220, 257, 260],
    [64, 266, 263, 267, 220, 32, 266],
    [265, 269, 270, 220, 263, 261, 264],
    [261, 264, 197, 198, 264, 268],
    [87, 277, 278, 18, 220, 277],
    [64, 279, 65, 220, 279, 64],
    [281, 265, 263, 281],
    [68, 136, 223, 220, 284, 0],
    [285, 265, 268, 220, 16, 272, 64],
    [263, 16, 264, 16],
    [257, 19],
    [198, 263, 201, 198],
  ],
  qwen2: [
    [64, 16, 17, 18, 19, 20, 220, 16, 17, 18, 19, 20],
    [64, 266, 263, 267, 220, 32, 266],
    [265, 269, 270, 220, 263, 261, 264],
    [261, 264, 197, 198, 264, 268],
    [87, 277, 278, 18, 220, 277],
    [64, 279, 65, 220, 279, 64],
    [281, 265, 263, 281],
    [284, 220, 284, 0],
    [285, 265, 268, 220, 16, 272, 64],
    [263, 16, 264, 16],
    [16, 17, 18, 19],
    [198, 263, 201, 198],
  ],
}

test.each(Object.keys(IDS))('cuts text for the pre-tokenizer %s as the reference does', (pre) => {
  const tokenizer = fromGguf(byteLevelMetadata(pre))
  expect(TEXTS.map((text) => tokenizer.encode(text))).toEqual(IDS[pre])
  const readable = pre === 'qwen2' ? (text: string) => text.normalize('NFC') : (text: string) => text
  for (const text of TEXTS) expect(tokenizer.decode(tokenizer.encode(text))).toBe(readable(text))
})

test("cuts at punctuation and after three digits for the pre-tokenizer 'default'", () => {
  // Patterns of LLAMA_VOCAB_PRE_TYPE_DEFAULT in llama.cpp's src/llama-vocab.cpp, applied by hand.
  const tokenizer = fromGguf(byteLevelMetadata('default'))
  const pieces = (text: string) => tokenizer.encode(text).map((id) => tokenizer.decode([id]))
  expect(pieces('12345')).toEqual(['123', '45'])
  expect(pieces(" ab!! a's")).toEqual([' ab', '!!', ' a', "'", 's'])
})

test('special tokens are found in text, kept whole, and left out on demand', () => {
  const tokens = [...TOKENS, '<|end|>', '<tool>']
  const tokenizer = fromGguf(
    byteLevelMetadata('smollm', {
      'tokenizer.ggml.tokens': tokens,
      'tokenizer.ggml.token_type': [...TOKENS.map(() => 1), 3, 4],
    }),
  )
  const [end, tool] = [TOKENS.length, TOKENS.length + 1]
  const ids = tokenizer.encode('ab<|end|><tool>')
  expect(ids.slice(-2)).toEqual([end, tool])
  expect(tokenizer.vocabSize).toBe(tokens.length)
  expect(tokenizer.tokenId('<|end|>')).toBe(end)
  expect(tokenizer.tokenId('<|start|>')).toBe(null)
  expect([tokenizer.isSpecial(end), tokenizer.isSpecial(tool), tokenizer.isSpecial(0)]).toEqual([
    true,
    false,
    false,
  ])
  expect(tokenizer.decode(ids)).toBe('ab<|end|><tool>')
  expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe('ab<tool>')
})

test('bos comes first only when special tokens are asked for and the file wants it', () => {
  const bos = { 'tokenizer.ggml.bos_token_id': 5 }
  const first = (pre: string, changes: Record<string, unknown>) =>
    fromGguf(byteLevelMetadata(pre, changes)).encode('ab', { addSpecialTokens: true })[0]
  const ab = TOKENS.indexOf('ab')
  expect(first('smollm', bos)).toBe(ab)
  expect(first('smollm', { ...bos, 'tokenizer.ggml.add_bos_token': true })).toBe(5)
  expect(first('llama-bpe', bos)).toBe(5)
  expect(first('llama-bpe', { ...bos, 'tokenizer.ggml.add_bos_token': false })).toBe(ab)
  expect(fromGguf(byteLevelMetadata('llama-bpe', bos)).encode('ab')[0]).toBe(ab)
})

test('names a tokenizer it does not support and a list that is missing or too short', () => {
  expect(() => fromGguf(byteLevelMetadata('viking'))).toThrow('pre-tokenizer viking')
  expect(() => fromGguf(byteLevelMetadata('smollm', { 'tokenizer.ggml.model': 't5' }))).toThrow('model t5')
  expect(() => fromGguf(byteLevelMetadata('smollm', { 'tokenizer.ggml.merges': undefined }))).toThrow(
    'no tokenizer.ggml.merges',
  )
  expect(() => fromGguf(byteLevelMetadata('smollm', { 'tokenizer.ggml.token_type': [1] }))).toThrow(
    `no list of ${TOKENS.length} numbers`,
  )
  const twice = { 'tokenizer.ggml.tokens': [...TOKENS.slice(1), 'ab'] }
  expect(() => fromGguf(byteLevelMetadata('smollm', twice))).toThrow('the token "ab" twice')
})

interface SentencePieceFixture {
  tokens: string[]
  scores: number[]
  types: number[]
  gold: [text: string, ids: number[], decoded: string][]
}

// A BPE model with byte fallback, space prefix and a user-defined symbol, trained and applied by sentencepiece 0.2.3.
const fixture = JSON.parse(
  readFileSync(new URL('fixtures/sentencepiece.json', import.meta.url), 'utf8'),
) as SentencePieceFixture

function sentencePieceMetadata(changes: Record<string, unknown> = {}): GgufMetadata {
  const metadata = {
    'tokenizer.ggml.model': 'llama',
    'tokenizer.ggml.tokens': fixture.tokens,
    'tokenizer.ggml.scores': fixture.scores,
    'tokenizer.ggml.token_type': fixture.types,
    'tokenizer.ggml.bos_token_id': 1,
    'tokenizer.ggml.unknown_token_id': 0,
    ...changes,
  }
  return new Map(Object.entries(metadata)) as GgufMetadata
}

test.each(fixture.gold)('encodes and decodes %j as sentencepiece does', (text, ids, decoded) => {
  const tokenizer = fromGguf(sentencePieceMetadata())
  expect(tokenizer.encode(text)).toEqual(ids)
  expect(tokenizer.encode(text, { addSpecialTokens: true })).toEqual([1, ...ids])
  expect(tokenizer.decode(ids)).toBe(decoded)
  const stream = new StreamDecoder(tokenizer)
  expect(ids.map((id) => stream.push(id)).join('') + stream.end()).toBe(decoded)
})

test('a SentencePiece tokenizer without space prefix neither adds nor drops a space', () => {
  const tokenizer = fromGguf(sentencePieceMetadata({ 'tokenizer.ggml.add_space_prefix': false }))
  const the = tokenizer.tokenId('▁the')!
  expect(tokenizer.encode(' the')).toEqual([the])
  expect(tokenizer.decode([the])).toBe(' the')
})

test('a SentencePiece tokenizer that rewrites its text is refused', () => {
  const changes = { 'tokenizer.ggml.remove_extra_whitespaces': true }
  expect(() => fromGguf(sentencePieceMetadata(changes))).toThrow('remove_extra_whitespaces')
})
