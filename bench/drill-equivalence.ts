// Do drills whose bytes differ come out right? An adapter of regraft-nano is registered whose record names another seed, as if it
// had been trained on another machine. Intact: the record holds the rows that it learned from. Drifted: the same rows, 30 % of
// them with a wrong label. Real drills go through `fleet rebuild`; then drills are drawn from the answers of all their adapters:
// which were registered and rebuilt, and which items there were. At the margin: right answers are made wrong at random
// until the rebuilt adapters are exactly as much worse as the margin says, where at most 5 % may be called equivalent.
//
//   node bench/drill-equivalence.ts [--seed 2] [--drills 10] [--seeds 3] [--items 600] [--rows 400] [--epochs 4]
//                                   [--simulated 2000] [--folder .cache/drill-equivalence]
//
// Settings were tried on seed 1; the figures are those of seed 2. A run that was cut off goes on where it stood.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Random, wilsonInterval } from '@regraft/methods'
import type { SnapshotManifest } from '../packages/regraft/src/datasets/index.ts'
import { decideEquivalent } from '../packages/regraft/src/fleet/drill/decide-equivalent.ts'
import type { RebuildRecord } from '../packages/regraft/src/fleet/judge-rebuild.ts'
import type { TrainedRegistration } from '../packages/regraft/src/fleet/registration.ts'
import { readMeasurement } from '../packages/regraft/src/gates/measurement.ts'
import { RECIPE_SCHEMA, type Recipe } from '../packages/regraft/src/training/index.ts'
import {
  type Fleet,
  openFleets,
  rebuild,
  replaceRecord,
  seal,
  snapshotOf,
  trainAndRegister,
} from './drill-fleet.ts'
import { drawTickets } from './drill-tickets.ts'
import { describeMachine } from './measure.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '2' },
    drills: { type: 'string', default: '10' },
    seeds: { type: 'string', default: '3' },
    items: { type: 'string', default: '600' },
    rows: { type: 'string', default: '400' },
    epochs: { type: 'string', default: '4' },
    simulated: { type: 'string', default: '2000' },
    folder: { type: 'string', default: '.cache/drill-equivalence' },
  },
})
const [seed, drills, seeds, itemCount, rowCount, epochs, simulated] = [
  values.seed,
  values.drills,
  values.seeds,
  values.items,
  values.rows,
  values.epochs,
  values.simulated,
].map(Number) as [number, number, number, number, number, number, number]

const WRONG_LABELS = 0.3
const ARMS = ['intact', 'drifted'] as const
type Arm = (typeof ARMS)[number]
/** Right or wrong per item, in the order of the suite. */
type Answers = number[]
interface Drilled {
  finding: string
  effect: number
  low: number
  high: number
  registered: Answers
  rebuilt: Answers[]
}

const folder = resolve(values.folder, `seed-${seed}-${itemCount}-${rowCount}-${epochs}-${seeds}`)
mkdirSync(folder, { recursive: true })
const { fleet: fleetOf, close } = await openFleets(folder)
const fleet = fleetOf('drills')
const { store } = fleet.context
const tickets = drawTickets(seed, 'equivalence', itemCount + rowCount)
console.log(describeMachine())
console.log(
  `seed ${seed}: ${drills} drills of each arm, ${seeds} seeds each, ${itemCount} items, ${rowCount} rows, ${epochs} epochs`,
)
const snapshots = await makeSnapshots(fleet)
const results: Record<Arm, Drilled[]> = { intact: [], drifted: [] }
for (let drill = 1; drill <= drills; drill++) {
  for (const arm of ARMS) {
    const drilled = await runDrill(drill, arm)
    results[arm].push(drilled)
    const { finding, effect, low, high } = drilled
    const points = [effect, low, high].map((share) => (share * 100).toFixed(2))
    console.log(
      `drill ${drill} ${arm.padEnd(7)} ${finding.padEnd(11)} ${points[0]} points [${points[1]}, ${points[2]}]`,
    )
  }
}
for (const arm of ARMS) console.log(`real, ${arm}: ${rates(results[arm].map(({ finding }) => finding))}`)
const clean = results.intact.flatMap(({ registered, rebuilt }) => [registered, ...rebuilt])
const wrong = results.drifted.flatMap(({ rebuilt }) => rebuilt)
console.log(`accuracy by seed: clean ${spread(clean)}, wrong labels ${spread(wrong)}`)
for (const k of [3, 5, 10]) {
  console.log(`drawn, ${k} seeds, intact:        ${simulate(k, clean, 0)}`)
  console.log(`drawn, ${k} seeds, at the margin: ${simulate(k, clean, fleet.context.config.drills.margin)}`)
  console.log(`drawn, ${k} seeds, drifted:       ${simulate(k, wrong, 0)}`)
}
await close()

/** The clean rows as they were built, and the same with wrong labels. */
async function makeSnapshots({ context }: Fleet): Promise<Record<Arm, string>> {
  const known = join(folder, 'snapshots.json')
  if (existsSync(known)) return JSON.parse(readFileSync(known, 'utf8')) as Record<Arm, string>
  await seal(fleet, 'desk', tickets.slice(0, itemCount))
  const intact = await snapshotOf(fleet, 'rows', tickets.slice(itemCount))
  const manifest = await context.store.artifacts.read<SnapshotManifest>(intact)
  const random = new Random(seed, 'wrong labels')
  const labels = [...new Set(tickets.map(({ label }) => label))]
  const rows: SnapshotManifest['rows'] = []
  for (const row of manifest.rows) {
    const id = `01981f3e-5a30-7cc4-9c2b-${String(rows.length).padStart(12, '0')}`
    for await (const { payload, occurredAt } of context.store.examples.select({ ids: [row.id] })) {
      if (payload.kind !== undefined) continue
      const { completion } = payload
      const label =
        random.uniform() < WRONG_LABELS
          ? random.choice(labels.filter((other) => other !== completion))
          : completion
      await context.store.examples.insert([{ id, occurredAt, payload: { ...payload, completion: label } }])
    }
    for await (const { digest } of context.store.examples.select({ ids: [id] }))
      rows.push({ ...row, id, digest })
  }
  const value = { ...manifest, rows }
  const { digest } = await context.store.artifacts.put({ kind: 'snapshot', schemaVersion: 1, value })
  writeFileSync(known, JSON.stringify({ intact, drifted: digest }))
  return { intact, drifted: digest }
}

async function runDrill(drill: number, arm: Arm): Promise<Drilled> {
  const file = join(folder, `${arm}-${drill}.json`)
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Drilled
  const name = `desk-${drill}`
  const options = { snapshot: snapshots.intact, epochs, learningRate: 0.005, rank: 8, seed: 1000 * drill }
  const record = await trainAndRegister(fleet, name, options)
  await replaceRecord(
    fleet,
    await recordOfAnotherSeed(record, arm, 1000 * drill + (arm === 'intact' ? 100 : 500)),
  )
  const { record: digest, verdict } = await rebuild(fleet, name, { seeds })
  const made = await store.artifacts.read<RebuildRecord>(digest)
  const measured = verdict.evidence.slice(2 + 2 * made.seeds.length)
  const answers: Answers[] = []
  for (const measurement of measured) {
    const { items } = await readMeasurement(store, measurement)
    answers.push(items.map(({ correct }) => (correct ? 1 : 0)))
  }
  const [registered, ...rebuilt] = answers
  const { low, high } = verdict.interval!
  const finding = verdict.finding ?? verdict.outcome
  const drilled = { finding, effect: verdict.effect!, low, high, registered: registered!, rebuilt }
  writeFileSync(file, JSON.stringify(drilled))
  return drilled
}

/** The record with an execution that had another seed and, where it drifted, other rows. */
async function recordOfAnotherSeed(
  record: TrainedRegistration,
  arm: Arm,
  other: number,
): Promise<TrainedRegistration> {
  const recorded = (await store.executions.get(record.execution))!
  const recipe = await store.artifacts.read<Recipe>(record.recipe)
  const value: Recipe = {
    ...{ ...recipe, snapshot: snapshots[arm] },
    training: { ...recipe.training, seed: other },
  }
  const { digest } = await store.artifacts.put({ kind: 'recipe', schemaVersion: RECIPE_SCHEMA, value })
  const replaced: Record<string, string> = { recipe: digest, snapshot: snapshots[arm] }
  const id = crypto.randomUUID()
  const { prepared: _, ...environment } = recorded.environment
  await store.executions.record({
    ...recorded,
    ...{ id, stepKey: `bench-${id}`, seed: other, environment, outputs: [] },
    inputs: recorded.inputs.map((edge) => ({ ...edge, digest: replaced[edge.role] ?? edge.digest })),
  })
  return { ...record, execution: id, snapshot: { ...record.snapshot, artifact: snapshots[arm] } }
}

/** Drills drawn from the answers of trained adapters, over the items too; `worse` is what the rebuilt ones lose on average. */
function simulate(k: number, pool: readonly Answers[], worse: number): string {
  if (pool.length < k + 1) return `needs more than ${pool.length} trained seeds`
  const random = new Random(seed, `simulate/${k}/${worse}/${pool.length}`)
  const { margin } = fleet.context.config.drills
  const { alpha } = fleet.context.config.gates
  const mean = pool.reduce((sum, answers) => sum + meanOf(answers), 0) / pool.length
  const findings = Array.from({ length: simulated }, () => {
    const single = random.choice(clean)
    const others = random.shuffle(pool.filter((answers) => answers !== single)).slice(0, k)
    const items = Array.from({ length: itemCount }, () => random.integer(itemCount))
    const pick = (answers: Answers) => items.map((item) => answers[item]!)
    const rebuilt = others.map((answers) =>
      pick(answers).map((right) => (worse > 0 && random.uniform() < worse / mean ? 0 : right)),
    )
    const verdict = decideEquivalent({ registered: pick(single), rebuilt }, null, { margin, alpha })
    return verdict.finding ?? verdict.outcome
  })
  return rates(findings)
}

function rates(findings: readonly string[]): string {
  return ['EQUIVALENT', 'cannot-tell', 'DRIFTED']
    .map((wanted) => {
      const { low, high } = wilsonInterval(
        findings.filter((finding) => finding === wanted).length,
        findings.length,
      )
      const share = findings.filter((finding) => finding === wanted).length / findings.length
      const show = (part: number) => (part * 100).toFixed(1)
      return `${wanted} ${show(share)} % [${show(low)}, ${show(high)}]`
    })
    .join(', ')
    .concat(` (n = ${findings.length})`)
}

function spread(pool: readonly Answers[]): string {
  const means = pool.map(meanOf)
  const mean = meanOf(means)
  const deviation = Math.sqrt(means.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (means.length - 1))
  return `${(mean * 100).toFixed(1)} % (standard deviation ${(deviation * 100).toFixed(2)} points, n = ${pool.length})`
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
