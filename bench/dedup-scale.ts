// How fast, and in how much memory, rows are deduplicated and screened by the pipeline of `datasets dedup`, `datasets
// screen` and builds: 10,000, 100,000 and 1,000,000 synthetic rows of about 60 words against a vault of 10,000 items.
//
//   node bench/dedup-scale.ts [--rows 10000,100000,1000000] [--threads 2]
//
// The rows are written to JSON Lines first and read from there, as those verbs do. Each size runs in a process of its own;
// its largest resident set (all threads) is what the kernel says it was.
import { execFileSync } from 'node:child_process'
import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { DuplicateFinder } from '@regraft/methods'
import { readPlainRows } from '../packages/regraft/src/datasets/plain-rows.ts'
import { workOnTexts } from '../packages/regraft/src/datasets/text-pool.ts'
import { describeMachine } from './measure.ts'
import { syntheticRows } from './synthetic-rows.ts'

const ITEMS = 10_000
/** One row in so many is an item word for word, with some words before it. */
const LEAK_EVERY = 1000
/** What a row is, in the file of truths. */
const [OTHER, COPY, LEAK] = [0, 1, 2]

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000,100000,1000000' },
    threads: { type: 'string', default: String(availableParallelism()) },
    folder: { type: 'string' },
  },
})
const threads = Number(values.threads)

interface Figures {
  rows: number
  seconds: number
  cpuSeconds: number
  megabytes: number
  duplicates: number
  overlaps: number
  copies: { planted: number; found: number }
  leaks: { planted: number; found: number }
}

if (values.folder) console.log(JSON.stringify(await measure(values.folder)))
else {
  console.log(describeMachine())
  console.log(
    `${threads} threads beside the main one; ${ITEMS} items of about 60 words; all rungs but the embedding one`,
  )
  for (const rows of values.rows.split(',')) {
    const folder = mkdtempSync(join(tmpdir(), 'regraft-scale-'))
    try {
      await writeRows(folder, Number(rows))
      const options = ['--folder', folder, '--threads', values.threads]
      const output = execFileSync(process.execPath, [fileURLToPath(import.meta.url), ...options])
      describe(JSON.parse(String(output)) as Figures)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
}

function describe(figures: Figures): void {
  const { rows, seconds, cpuSeconds, megabytes, copies, leaks } = figures
  const count = (value: number) => Math.round(value).toLocaleString('en')
  const each = (total: number) => `${((1e6 * total) / rows).toFixed(1)} µs`
  console.log(
    `${count(rows).padStart(9)} rows: ${count(rows / seconds)} rows/s (${seconds.toFixed(1)} s, ${each(seconds)} a row, CPU ${each(cpuSeconds)}), at most ${count(megabytes)} MB`,
  )
  console.log(
    `  ${count(figures.duplicates)} duplicates, ${count(copies.found)} of ${count(copies.planted)} planted copies at a Jaccard from 0.7; ` +
      `${count(figures.overlaps)} overlaps, ${count(leaks.found)} of ${count(leaks.planted)} planted leaks`,
  )
}

function itemTexts(): string[] {
  return [...syntheticRows(ITEMS, 99, 0)].map(({ text }) => text)
}

async function writeRows(folder: string, rows: number): Promise<void> {
  const items = itemTexts()
  const truths = new Uint8Array(rows)
  const file = await open(join(folder, 'rows.jsonl'), 'w')
  let lines: string[] = []
  let row = 0
  for (const { text, similarity } of syntheticRows(rows, 7)) {
    const leak = row % LEAK_EVERY === LEAK_EVERY - 1
    truths[row] = leak ? LEAK : similarity !== null && similarity >= 0.7 ? COPY : OTHER
    lines.push(`{"text":"${leak ? `Somebody asked. ${items[row % ITEMS]}` : text}"}\n`)
    row++
    if (lines.length < 1000 && row < rows) continue
    await file.write(lines.join(''))
    lines = []
  }
  await file.close()
  writeFileSync(join(folder, 'truths'), truths)
}

async function measure(folder: string): Promise<Figures> {
  const items = itemTexts().map((prompt, index) => ({ id: String(index), prompt, answer: null }))
  const truths = readFileSync(join(folder, 'truths'))
  const planted = (kind: number) => truths.filter((truth) => truth === kind).length
  const options = { threshold: 0.7, seed: 1 }
  const found = [0, 0, 0]
  let [rows, duplicates, overlaps] = [0, 0, 0]
  const cpu = process.cpuUsage()
  const start = performance.now()
  const finder = new DuplicateFinder(options)
  const file = createReadStream(join(folder, 'rows.jsonl'), { highWaterMark: 256 * 1024 })
  const work = { duplicates: options, screen: { items } }
  for await (const batch of workOnTexts(readPlainRows(file, 'rows.jsonl'), work, { threads })) {
    for (const index of batch.rows.keys()) {
      if (finder.next(batch.sketch!, index) === null) continue
      duplicates++
      if (truths[batch.first + index] === COPY) found[COPY]!++
    }
    for (const { index } of batch.overlaps) if (truths[batch.first + index] === LEAK) found[LEAK]!++
    overlaps += batch.overlaps.length
    rows += batch.rows.length
  }
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpu)
  return {
    ...{ rows, seconds, cpuSeconds: (user + system) / 1e6, duplicates, overlaps },
    megabytes: process.resourceUsage().maxRSS / 1024,
    copies: { planted: planted(COPY), found: found[COPY]! },
    leaks: { planted: planted(LEAK), found: found[LEAK]! },
  }
}
