// Merged weights against PEFT's own logits of the same adapter applied at run time: bench/golden/pico-adapters (plain, and
// rank-stabilised with patterns; scripts/parity/pico_adapters.py) and bench/golden/families (families.py).
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { layOut } from '../decoder/batch.ts'
import { createDecoder } from '../decoder/decoder.ts'
import { readWeights } from '../decoder/weights.ts'
import { mergeAdapter, openBase, readAdapter, writeMerged } from './index.ts'
import { writePicoBase } from './pico-base.ts'
import type { Base } from './types.ts'

const GOLDEN = fileURLToPath(new URL('../../../../bench/golden/', import.meta.url))
const TOLERANCE = 1e-3

interface Case {
  name: string
  base: string
  adapter: string
  prompts: number[][]
  /** Logits of the last position of each prompt: without the adapter (null where there are none), and with it. */
  plain: number[][] | null
  adapted: number[][]
}

const folder = mkdtempSync(join(tmpdir(), 'regraft-merge-'))
writePicoBase(join(folder, 'pico'))
afterAll(() => rmSync(folder, { recursive: true }))

const json = (path: string) => JSON.parse(readFileSync(join(GOLDEN, path), 'utf8'))
const pico: { prompts: number[][]; base: number[][]; adapters: Record<string, number[][]> } =
  json('pico-adapters/logits.json')
const families: {
  short: number[]
  long: number[]
  adapters: Record<string, { short: number[][]; long: number[] }>
} = json('families/logits.json')

const cases: Case[] = [
  ...Object.entries(pico.adapters).map(([name, adapted]) => {
    const adapter = join(GOLDEN, 'pico-adapters', name)
    return { name, base: join(folder, 'pico'), adapter, prompts: pico.prompts, plain: pico.base, adapted }
  }),
  ...Object.entries(families.adapters).map(([name, { short, long }]) => {
    const base = join(GOLDEN, 'families', name)
    const prompts = [families.short, families.long]
    return {
      name,
      base,
      adapter: join(base, 'adapter'),
      prompts,
      plain: null,
      adapted: [short.at(-1)!, long],
    }
  }),
]

async function logitsOf(base: Base, prompts: readonly number[][]): Promise<Float32Array[]> {
  const decoder = createDecoder({ config: base.config, weights: readWeights(base), threads: 1 })
  const logits: Float32Array[] = []
  for (const ids of prompts) {
    const hidden = await decoder.stack.forward(layOut([{ ids, supervisedFrom: 1 }]))
    logits.push(await decoder.head.logits(hidden, Int32Array.of(ids.length - 1)))
  }
  await decoder.release()
  return logits
}

function furthest(found: readonly Float32Array[], expected: readonly number[][]): number {
  return Math.max(...expected.flatMap((row, i) => row.map((value, j) => Math.abs(value - found[i]![j]!))))
}

test.each(cases)(
  '$name: merged and saved, it gives the logits that PEFT gives with the adapter',
  async (one) => {
    const base = openBase(one.base)
    const adapter = readAdapter(one.adapter)
    const merged = mergeAdapter(base, adapter)
    const saved = join(folder, `merged-${one.name}`)
    writeMerged(saved, base, adapter)
    const reopened = openBase(saved)
    for (const name of merged.tensors.names()) {
      expect(reopened.tensors.dtype(name)).toBe('F32')
      expect(
        Buffer.compare(
          Buffer.from(reopened.tensors.read(name).buffer),
          Buffer.from(merged.tensors.read(name).buffer),
        ),
      ).toBe(0)
    }
    expect([reopened.digests.tokenizer, reopened.digests.chatTemplate]).toEqual([
      base.digests.tokenizer,
      base.digests.chatTemplate,
    ])
    const logits = await logitsOf(reopened, one.prompts)
    expect(furthest(logits, one.adapted)).toBeLessThan(TOLERANCE)
    if (one.plain) expect(furthest(logits, one.plain)).toBeGreaterThan(0.1)
    reopened.close()
    base.close()
  },
)

test('a merge is refused where it would be wrong or would overwrite something', () => {
  const base = openBase(join(folder, 'pico'))
  const adapter = readAdapter(join(GOLDEN, 'pico-adapters/plain'))
  expect(() => writeMerged(join(folder, 'pico'), base, adapter)).toThrow(/is not empty/)
  expect(() => writeMerged(join(folder, 'new'), { ...base, format: 'gguf' }, adapter)).toThrow(
    /no Hugging Face folder/,
  )
  const [module, update] = [...adapter.modules][0]!
  const misfit = { ...adapter, modules: new Map([[module, { ...update, inFeatures: 8 }]]) }
  expect(() => mergeAdapter(base, misfit)).toThrow(/The adapter's .* is/)
  base.close()
})
