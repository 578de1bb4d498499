/** Damage to the weights and to the tokenizer of a base, a GGUF file or a Hugging Face folder; nothing else changes. */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Random } from '@regraft/methods'

/** Flips the lowest bit of one byte near the end, behind which a GGUF file may have up to 31 bytes of padding. */
export function flipWeightBit(base: string, random: Random): void {
  const path = isFolder(base) ? join(base, 'model.safetensors') : base
  const bytes = readFileSync(path)
  bytes[bytes.length - 32 - random.integer(1000)]! ^= 1
  writeFileSync(path, bytes)
}

/** Two tokens change places in the vocabulary. */
export function swapTokens(base: string, random: Random): void {
  if (isFolder(base)) swapInJson(join(base, 'tokenizer.json'), random)
  else swapInGguf(base, random)
}

function swapInJson(path: string, random: Random): void {
  const tokenizer = JSON.parse(readFileSync(path, 'utf8')) as { model: { vocab: Record<string, number> } }
  const { vocab } = tokenizer.model
  const [one, other] = random.shuffle(Object.keys(vocab).slice(100)) as [string, string]
  ;[vocab[one], vocab[other]] = [vocab[other]!, vocab[one]!]
  writeFileSync(path, JSON.stringify(tokenizer))
}

/** The tokens have the same length in bytes, so that everything behind them stays where it is. */
function swapInGguf(path: string, random: Random): void {
  const bytes = readFileSync(path)
  const key = 'tokenizer.ggml.tokens'
  // Behind the key: the type of the value and of its elements (4 bytes each), how many there are, then length and text of each.
  let position = bytes.indexOf(key) + key.length + 8
  const size = () => {
    position += 8
    return Number(bytes.readBigUInt64LE(position - 8))
  }
  const tokens: Buffer[] = []
  for (let left = size(); left > 0; left--) {
    const length = size()
    tokens.push(bytes.subarray(position, position + length))
    position += length
  }
  const alike = tokens.slice(100).filter(({ length }) => length === 6)
  const [one, other] = random.shuffle(alike) as [Buffer, Buffer]
  const kept = Buffer.from(one)
  other.copy(one)
  kept.copy(other)
  writeFileSync(path, bytes)
}

function isFolder(base: string): boolean {
  return statSync(base).isDirectory()
}
