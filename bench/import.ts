// How long `regraft import` takes for a labelled CSV on PGlite, through the operation, a new data directory each time.
//
//   node bench/import.ts [--rows 30000] [--runs 5]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { importOperation } from '../packages/regraft/src/capture/index.ts'
import { Config } from '../packages/regraft/src/config/index.ts'
import type { OperationContext } from '../packages/regraft/src/operation/index.ts'
import { openStore } from '../packages/regraft/src/store/index.ts'
import { describeMachine, describeRuns } from './measure.ts'

const { values } = parseArgs({
  options: { rows: { type: 'string', default: '30000' }, runs: { type: 'string', default: '5' } },
})
const rows = Number(values.rows)
const file = Buffer.from(
  `text,category,time\n${Array.from({ length: rows }, (_, index) => line(index)).join('')}`,
)

console.log(describeMachine())
console.log(`${rows} rows, ${(file.length / 1e6).toFixed(1)} MB of CSV, a label on each row`)
const runs: Record<string, number>[] = []
for (let run = 0; run < Number(values.runs); run++) {
  const seconds = await importOnce()
  runs.push(seconds)
  const parts = Object.entries(seconds).map(([stage, taken]) => `${stage} ${taken.toFixed(2)}`)
  console.log(`run ${run + 1}: ${parts.join(', ')} s`)
}
for (const stage of Object.keys(runs[0] ?? {})) {
  const taken = runs.map((seconds) => seconds[stage]!)
  console.log(`${stage.padEnd(14)} ${describeRuns(taken, 2)} s`)
}
console.log(`${'rows/s'.padEnd(14)} ${describeRuns(runs.map((seconds) => rows / seconds.import!))}`)

/** Imports the file into an empty store, then again; seconds of each, of the first one's stages and of its CPU time. */
async function importOnce(): Promise<Record<string, number>> {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'regraft-bench-'))
  const store = await openStore({ dataDirectory })
  try {
    const project = store.project('bench')
    const { digest } = await project.blobs.put(file)
    const stages = new Map<string, number>()
    const context: OperationContext = {
      store: project,
      principal: { id: 'local', scopes: ['admin'] },
      config: Config.parse({}),
      signal: new AbortController().signal,
      progress: ({ stage }) => stages.set(stage, performance.now()),
      log: { debug() {}, info() {}, warn: console.warn, error: console.error },
      services: {} as OperationContext['services'],
      jobId: null,
      attempt: 1,
    }
    const input = importOperation.input.parse({
      file: { digest, name: 'bench.csv' },
      text: 'text',
      label: 'category',
      time: 'time',
    })
    const before = process.cpuUsage()
    const start = performance.now()
    const { inferences, feedback } = await importOperation.run(context, input)
    const end = performance.now()
    const { user, system } = process.cpuUsage(before)
    if (inferences !== rows || feedback !== rows) throw new Error(`${inferences} rows, ${feedback} labels`)
    const checked = stages.get('check')!
    const stored = stages.get('store')!
    await importOperation.run(context, input)
    const again = performance.now() - end
    return {
      import: (end - start) / 1000,
      check: (checked - start) / 1000,
      store: (stored - checked) / 1000,
      lineage: (end - stored) / 1000,
      'import again': again / 1000,
      'CPU of import': (user + system) / 1e6,
    }
  } finally {
    await store.close()
    rmSync(dataDirectory, { recursive: true, force: true })
  }
}

function line(index: number): string {
  const words = 'card payment refund transfer account balance late missing twice country fee exchange'.split(
    ' ',
  )
  const text = Array.from({ length: 12 }, (_, at) => words[(index * (at + 3) + at) % words.length]).join(' ')
  const time = new Date(Date.UTC(2026, 0, 1) + index * 60_000).toISOString()
  return `"Ticket ${index}: ${text}",${words[index % words.length]},${time}\n`
}
