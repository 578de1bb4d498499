// How many records per second the journal acknowledges, by fsync policy and number of clients that each wait for their
// acknowledgement. What is drained goes nowhere, so that the database does not count; the disk of --directory does.
//
//   node bench/journal.ts [--seconds 2] [--runs 5] [--directory /tmp]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  type FsyncPolicy,
  type JournalRecord,
  openJournals,
  rowId,
} from '../packages/regraft/src/capture/index.ts'
import { describeMachine, describeRuns } from './measure.ts'

const POLICIES: FsyncPolicy[] = ['always', 'interval', 'never']
const CLIENTS = [1, 16, 128]

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    runs: { type: 'string', default: '5' },
    directory: { type: 'string', default: tmpdir() },
  },
})

console.log(describeMachine())
console.log(`records of ${JSON.stringify(recordAt(0)).length} bytes, ${values.seconds} s each`)
const rates = new Map<string, number[]>()
for (let run = 0; run < Number(values.runs); run++) {
  for (const fsync of POLICIES) {
    for (const clients of CLIENTS) {
      const name = `fsync ${fsync}, clients: ${clients}`
      rates.set(name, [...(rates.get(name) ?? []), await measure(fsync, clients)])
    }
  }
}
for (const [name, perSecond] of rates) console.log(`${name.padEnd(28)} ${describeRuns(perSecond)} records/s`)

async function measure(fsync: FsyncPolicy, clients: number): Promise<number> {
  const directory = mkdtempSync(join(values.directory, 'regraft-bench-'))
  const insert = async (rows: unknown[]) => ({ inserted: rows.length, duplicates: 0, rejected: [] })
  const table = { insert, seal: async <Row>(row: Row) => row }
  const store = { project: () => ({ inferences: table, feedback: table }) }
  const journals = await openJournals(directory, { store, fsync })
  try {
    const journal = await journals.of('bench')
    let appended = 0
    const start = performance.now()
    const until = start + Number(values.seconds) * 1000
    const append = async () => {
      while (performance.now() < until) await journal.append(recordAt(appended++))
    }
    await Promise.all(Array.from({ length: clients }, append))
    return (appended / (performance.now() - start)) * 1000
  } finally {
    await journals.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

function recordAt(number: number): JournalRecord {
  const occurredAt = new Date()
  return {
    kind: 'inference',
    row: {
      id: rowId(occurredAt, [number]),
      occurredAt,
      payload: {
        messages: [
          { role: 'user', content: 'My card was swallowed by the machine at the station. '.repeat(6) },
        ],
        response: 'card_swallowed',
        model: 'desk',
        adapter: null,
        route: 'routing',
        parameters: { temperature: 0 },
        latencyMs: 120,
        usage: { promptTokens: 90, completionTokens: 4 },
        finishReason: 'stop',
        source: { kind: 'serving' },
      },
    },
  }
}
