// Small tokenizers in the form of each family's own, and what transformers, tokenizers and sentencepiece make of tricky texts with
// them: scripts/parity/tokenizer_golden.py (versions in the files).
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { GgufMetadata } from '../formats/gguf-file.ts'
import { fromGguf } from './gguf-tokenizer.ts'
import { fromTokenizerJson } from './json-tokenizer.ts'
import { StreamDecoder } from './stream-decoder.ts'
import type { TokenizerJson } from './tokenizer-json.ts'

type Gold = [text: string, ids: number[], decoded: string][]

interface Golden {
  tokenizer: TokenizerJson
  gold: Gold
  /** Ids of the first text with special tokens around it. */
  opened: number[]
}

interface SentencePieceGolden extends Golden {
  pieces: string[]
  scores: number[]
  types: number[]
  sentencepiece: Gold
}

const folder = new URL('../../../../bench/golden/tokenizers/', import.meta.url)
const read = <T>(name: string) => JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as T

const FAMILIES = ['llama3', 'qwen2', 'tekken', 'smollm', 'gemma', 'llama2']

test.each(FAMILIES)('the tokenizer.json of %s encodes and decodes as the reference does', (name) => {
  const { tokenizer: definition, gold, opened } = read<Golden>(name)
  const tokenizer = fromTokenizerJson(definition)
  expect(tokenizer.encode(gold[0]![0], { addSpecialTokens: true })).toEqual(opened)
  for (const [text, ids, decoded] of gold) {
    expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(ids)
    expect(tokenizer.decode(ids)).toBe(decoded)
    const stream = new StreamDecoder(tokenizer)
    expect(ids.map((id) => stream.push(id)).join('') + stream.end()).toBe(decoded)
  }
})

test.each([
  ['llama3', 'llama-bpe'],
  ['llama3', 'smaug-bpe'],
  ['qwen2', 'qwen2'],
  ['tekken', 'tekken'],
  ['smollm', 'smollm'],
])('the tokenizer of %s encodes the same from a GGUF file with pre-tokenizer %s', (name, pre) => {
  const { tokenizer, gold } = read<Golden>(name)
  const { vocab, merges } = tokenizer.model
  const tokens = Object.keys(vocab).sort((a, b) => vocab[a]! - vocab[b]!)
  for (const { id, content } of tokenizer.added_tokens) tokens[id] = content
  const special = new Set(tokenizer.added_tokens.map(({ id }) => id))
  const metadata = {
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': pre,
    'tokenizer.ggml.tokens': tokens,
    'tokenizer.ggml.token_type': tokens.map((_, id) => (special.has(id) ? 3 : 1)),
    'tokenizer.ggml.merges': merges.map((pair) => (typeof pair === 'string' ? pair : pair.join(' '))),
  }
  const gguf = fromGguf(new Map(Object.entries(metadata)) as GgufMetadata)
  for (const [text, ids, decoded] of gold) {
    expect(gguf.encode(text), JSON.stringify(text)).toEqual(ids)
    expect(gguf.decode(ids)).toBe(decoded)
  }
})

test.each([
  ['gemma', false],
  ['llama2', true],
])('the pieces of %s in a GGUF file encode and decode as sentencepiece does', (name, hasPrefix) => {
  const { pieces, scores, types, sentencepiece } = read<SentencePieceGolden>(name)
  const metadata = {
    'tokenizer.ggml.model': 'llama',
    'tokenizer.ggml.tokens': pieces,
    'tokenizer.ggml.scores': scores,
    'tokenizer.ggml.token_type': types,
    'tokenizer.ggml.unknown_token_id': types.indexOf(2),
    'tokenizer.ggml.add_space_prefix': hasPrefix,
  }
  const tokenizer = fromGguf(new Map(Object.entries(metadata)) as GgufMetadata)
  expect(sentencepiece.length).toBeGreaterThan(25)
  for (const [text, ids, decoded] of sentencepiece) {
    expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(ids)
    expect(tokenizer.decode(ids)).toBe(decoded)
  }
})

test('without a normalizer each space ends a piece of a tokenizer that splits after spaces', () => {
  const { tokenizer } = read<Golden>('gemma')
  const vocab = { 'a ': 0, ' ': 1, 'b ': 2, c: 3, a: 4, b: 5 }
  const merges: [string, string][] = [
    ['a', ' '],
    ['b', ' '],
    [' ', 'c'],
  ]
  const model = { ...tokenizer.model, vocab: { ...vocab, ' c': 6 }, merges, unk_token: null }
  const plain = fromTokenizerJson({ ...tokenizer, added_tokens: [], normalizer: null, model })
  // pre_tokenizers.Split(" ", "merged_with_previous") of tokenizers 0.23.3: 'a ', ' ', 'b ', 'c'.
  expect(plain.encode('a  b c')).toEqual([0, 1, 2, 3])
})
