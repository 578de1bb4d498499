// Compares adapters that PEFT wrote with the engine's reading of them, on the pico base and without Python:
//   node scripts/parity/compare-adapters.ts
// The golden values come from pico_adapters.py, whose base this writes: node scripts/parity/compare-adapters.ts base FOLDER
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Adapter, readAdapter } from '@regraft/engine'
import { createDecoder, layOut, openBase, readWeights } from '@regraft/engine/internals'
import { writePicoBase } from '../../packages/engine/src/formats/pico-base.ts'

interface Golden {
  versions: Record<string, string>
  prompts: number[][]
  /** Logits of the last position of each prompt. */
  base: number[][]
  adapters: Record<string, number[][]>
}

/** Absolute difference of any logit at f32. */
const TOLERANCE = 1e-4
/** An adapter that is silently ignored would change nothing. */
const SMALLEST_CHANGE = 0.1

const [command, target] = process.argv.slice(2)
if (command === 'base' && target) {
  writePicoBase(target)
  process.exit(0)
}
const folder = new URL('../../bench/golden/pico-adapters/', import.meta.url)
const golden = JSON.parse(readFileSync(new URL('logits.json', folder), 'utf8')) as Golden
const path = mkdtempSync(join(tmpdir(), 'regraft-pico-'))
writePicoBase(path)
const base = openBase(path)
const weights = readWeights(base)

async function logitsOf(adapter?: Adapter): Promise<Float32Array[]> {
  const decoder = createDecoder({ config: base.config, weights, threads: 1, ...(adapter ? { adapter } : {}) })
  const logits: Float32Array[] = []
  for (const ids of golden.prompts) {
    const batch = layOut([{ ids, supervisedFrom: 1 }])
    const hidden = await decoder.stack.forward(batch)
    logits.push(await decoder.head.logits(hidden, Int32Array.of(ids.length - 1)))
  }
  await decoder.release()
  return logits
}

function largestDifference(a: ArrayLike<number>[], b: ArrayLike<number>[]): number {
  let largest = 0
  for (const [row, values] of a.entries()) {
    for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i]! - b[row]![i]!))
  }
  return largest
}

const versions = Object.entries(golden.versions).map(([name, version]) => `${name} ${version}`)
console.log(`${golden.prompts.length} prompts on the pico base against ${versions.join(', ')}`)
const cases = [
  ['no adapter', await logitsOf(), golden.base] as const,
  ...(await Promise.all(
    Object.entries(golden.adapters).map(async ([name, expected]) => {
      const adapter = readAdapter(fileURLToPath(new URL(name, folder)))
      return [`adapter '${name}'`, await logitsOf(adapter), expected] as const
    }),
  )),
]
for (const [name, found, expected] of cases) {
  const difference = largestDifference(found, expected)
  const change = largestDifference(found, golden.base)
  const agrees = difference < TOLERANCE && (expected === golden.base || change > SMALLEST_CHANGE)
  if (!agrees) process.exitCode = 1
  const shown = `largest difference ${difference.toExponential(2)}, largest change by it ${change.toFixed(3)}`
  console.log(`${name}: ${shown}${agrees ? '' : '  DIFFERS'}`)
}
base.close()
rmSync(path, { recursive: true, force: true })
