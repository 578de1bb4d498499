// Continuous proof of the firewall: eight weekly cycles of import, build, training and evaluation, twice. Every week a tenth
// of the frozen evaluation items leaks into the traffic (verbatim, retyped, as a near copy, embedded in a longer text). The
// gated arm builds its snapshots against the frozen suite; the ungated arm builds the same rows against another suite, as a
// team does that keeps its evaluation in a folder. Both train an adapter of regraft-nano from scratch every week and answer
// the frozen suite and the week's fresh slice, which no build has seen.
//
//   node bench/contamination-cycles.ts [--seed 2] [--weeks 8] [--tickets 60] [--frozen 300] [--fresh 100] [--epochs 3]
//                                      [--folder .cache/contamination-cycles]
//
// Settings were tried on two weeks of seed 1; the figures are those of seed 2. A run that was cut off goes on where it stood.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { independentDifference, wilsonInterval } from '@regraft/methods'
import { importOperation, openJournals } from '../packages/regraft/src/capture/index.ts'
import { loadConfig } from '../packages/regraft/src/config/index.ts'
import { buildOperation } from '../packages/regraft/src/datasets/build.ts'
import { requireSuite, vaultAccess } from '../packages/regraft/src/datasets/index.ts'
import { sealOperation } from '../packages/regraft/src/datasets/seal.ts'
import { evaluateSuite } from '../packages/regraft/src/gates/evaluate.ts'
import { readMeasurement } from '../packages/regraft/src/gates/index.ts'
import { runStep } from '../packages/regraft/src/lineage/index.ts'
import { type AdapterRecord, BUNDLED_BASE, EngineHost } from '../packages/regraft/src/models/index.ts'
import type { OperationContext } from '../packages/regraft/src/operation/index.ts'
import { quietCall } from '../packages/regraft/src/operation/testing.ts'
import { openStore } from '../packages/regraft/src/store/index.ts'
import { runOperation } from '../packages/regraft/src/training/run.ts'
import { type Labelled, makeCycles, WEEKS, type Week } from './cycles-data.ts'
import { describeMachine } from './measure.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '2' },
    weeks: { type: 'string', default: String(WEEKS) },
    tickets: { type: 'string', default: '60' },
    frozen: { type: 'string', default: '300' },
    fresh: { type: 'string', default: '100' },
    leaks: { type: 'string', default: '0.1' },
    epochs: { type: 'string', default: '3' },
    folder: { type: 'string', default: '.cache/contamination-cycles' },
  },
})
const [seed, weeks, tickets, frozenSize, freshSize, leaks, epochs] = [
  values.seed,
  values.weeks,
  values.tickets,
  values.frozen,
  values.fresh,
  values.leaks,
  values.epochs,
].map(Number) as [number, number, number, number, number, number, number]

const ARMS = ['gated', 'ungated'] as const
type Arm = (typeof ARMS)[number]
interface Score {
  right: number
  n: number
}
interface Result {
  arm: Arm
  week: number
  rows: number
  caught: number
  frozen: Score
  fresh: Score
}

const folder = resolve(values.folder, `seed-${seed}-${tickets}-${frozenSize}-${freshSize}-${leaks}-${epochs}`)
mkdirSync(folder, { recursive: true })
const { config } = loadConfig({ folder, environment: { REGRAFT_DATA: join(folder, 'data') } })
const store = await openStore(config)
const journals = await openJournals(join(config.dataDirectory, 'journal'), { store })
const engines = new EngineHost(config, 'evaluation')
const cycles = makeCycles({ seed, tickets, frozen: frozenSize, fresh: freshSize, leaks })

console.log(describeMachine())
console.log(
  `seed ${seed}: ${weeks} weeks of ${tickets} tickets and ${Math.round(leaks * frozenSize)} leaks, ${frozenSize} frozen items, ` +
    `${freshSize} fresh ones a week, ${epochs} epochs from scratch each week`,
)
const results: Result[] = []
for (const week of cycles.weeks.slice(0, weeks)) {
  for (const arm of ARMS) results.push(await runWeek(arm, week))
  for (const result of results.slice(-ARMS.length)) console.log(describe(result))
}
for (const arm of ARMS) {
  const last = results.findLast((result) => result.arm === arm)!
  console.log(`${arm}, last week: frozen less fresh ${gap(last.frozen, last.fresh)}`)
}
const [gated, ungated] = ARMS.map((arm) => results.findLast((result) => result.arm === arm)!)
console.log(`frozen, ungated less gated: ${gap(ungated!.frozen, gated!.frozen)}`)
console.log(`fresh, ungated less gated:  ${gap(ungated!.fresh, gated!.fresh)}`)
await engines.close()
await journals.close()
await store.close()

async function runWeek(arm: Arm, week: Week): Promise<Result> {
  const file = join(folder, `${arm}-${week.number}.json`)
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Result
  const context = contextOf(arm)
  if (week.number === 1) {
    await seal(context, 'frozen', cycles.frozen)
    await seal(context, 'other', [{ text: 'an evaluation of something else altogether', label: 'none' }])
  }
  await seal(context, `fresh-${week.number}`, week.freshItems)
  const lines = [...(cycles.weeks[week.number - 2]?.fresh ?? []), ...week.traffic]
  const upload = { digest: await put(context, `${lines.join('\n')}\n`), name: `week-${week.number}.jsonl` }
  await importOperation.run(context, importOperation.input.parse({ file: upload }))
  const built = await buildOperation.run(
    context,
    buildOperation.input.parse({
      evaluation: arm === 'gated' ? 'frozen' : 'other',
      consent: 'made up',
      validation: 0,
    }),
  )
  const trained = await runOperation.run(
    context,
    runOperation.input.parse({ base: BUNDLED_BASE, epochs, learningRate: 0.004, snapshot: built.snapshot }),
  )
  const result: Result = {
    ...{ arm, week: week.number, rows: built.train, caught: built.dropped['evaluation-overlap'] ?? 0 },
    frozen: await score(context, trained.adapter, 'frozen'),
    fresh: await score(context, trained.adapter, `fresh-${week.number}`),
  }
  writeFileSync(file, JSON.stringify(result))
  return result
}

async function score(context: OperationContext, adapter: string, name: string): Promise<Score> {
  const { store: project } = context
  const { digest: suite } = await requireSuite(project, name)
  const { base } = await project.artifacts.read<AdapterRecord>(adapter)
  const step = evaluateSuite({ engines, access: vaultAccess(context) })
  const roles = { suite, base, adapter }
  const { digest } = await runStep({ project }, step, {
    inputs: Object.entries(roles).map(([role, value]) => ({ role, digest: value })),
    parameters: { maxTokens: 8 },
  })
  const { items } = await readMeasurement(project, digest('measurement'))
  return { right: items.filter(({ correct }) => correct).length, n: items.length }
}

async function seal(context: OperationContext, name: string, items: readonly Labelled[]): Promise<void> {
  const known = await context.store.aliases.get(`suite/${name}`)
  if (known !== null) return
  const lines = items.map(({ text, label }) => `"${text.replaceAll('"', '""')}",${label}\n`)
  const file = { digest: await put(context, `text,label\n${lines.join('')}`), name: `${name}.csv` }
  const columns = { text: 'text', label: 'label', system: 'Route the ticket to a queue.' }
  await sealOperation.run(context, sealOperation.input.parse({ file, as: name, ...columns }))
}

async function put({ store: project }: OperationContext, text: string): Promise<string> {
  return (await project.blobs.put(Buffer.from(text))).digest
}

function contextOf(arm: Arm): OperationContext {
  return {
    store: store.project(arm),
    ...quietCall(),
    config,
    services: { journals, evaluationEngines: engines } as OperationContext['services'],
  }
}

function describe({ arm, week, rows, caught, frozen, fresh }: Result): string {
  return (
    `week ${week} ${arm.padEnd(8)} ${String(rows).padStart(5)} rows, ${String(caught).padStart(3)} caught   ` +
    `frozen ${percent(frozen)}   fresh ${percent(fresh)}`
  )
}

function percent({ right, n }: Score): string {
  const { estimate, low, high } = wilsonInterval(right, n)
  const show = (share: number) => (share * 100).toFixed(1)
  return `${show(estimate)} % [${show(low)}, ${show(high)}]`
}

function gap(a: Score, b: Score): string {
  const { estimate, low, high } = independentDifference(a, b)
  const show = (share: number) => (share * 100).toFixed(1)
  return `${show(estimate)} points [${show(low)}, ${show(high)}]`
}
