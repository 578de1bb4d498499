// Does a drill name what is lost? Adapters of regraft-nano (on made-up tickets) or of another base (on banking77) are trained and
// registered through the real operations; each loses its inputs one after the other (every loss is undone before the next), and
// each loss must be the first missing input that the drill names. Between the losses intact drills must give the same bytes. An
// owner who left and a retention that lapsed take nothing away yet: they must be red in `fleet check`.
//
//   node bench/drill-losses.ts [--seed 2] [--adapters 12] [--drills 5] [--rows 40] [--folder .cache/drill-losses]
//   node bench/drill-losses.ts --base MODEL.gguf --adapters 1 --drills 1 --rows 60 [--data folder]
//
// An adapter that is done is kept: a run that was cut off goes on with the next. 12 adapters and 5 drills are 60 intact drills.
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, extname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Random, wilsonInterval } from '@regraft/methods'
import type { SnapshotManifest } from '../packages/regraft/src/datasets/index.ts'
import { checkOperation } from '../packages/regraft/src/fleet/check.ts'
import type { RebuildRecord } from '../packages/regraft/src/fleet/judge-rebuild.ts'
import type { MissingInput } from '../packages/regraft/src/fleet/missing-input.ts'
import type { TrainedRegistration } from '../packages/regraft/src/fleet/registration.ts'
import type { AdapterRecord } from '../packages/regraft/src/models/index.ts'
import type { Execution } from '../packages/regraft/src/store/types.ts'
import { readBanking77, selectSubset } from './banking77-rows.ts'
import { flipWeightBit, swapTokens } from './drill-damage.ts'
import {
  type Fleet,
  type FleetBase,
  type Labelled,
  NANO,
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
    adapters: { type: 'string', default: '12' },
    drills: { type: 'string', default: '5' },
    rows: { type: 'string', default: '40' },
    folder: { type: 'string', default: '.cache/drill-losses' },
    base: { type: 'string' },
    data: { type: 'string' },
  },
})
const [seed, adapters, drills, rows] = [values.seed, values.adapters, values.drills, values.rows].map(
  Number,
) as [number, number, number, number]

/** Something that is lost, and how it must be named: by the drill, or as a red condition of `fleet check`. */
interface Loss {
  name: string
  kind: MissingInput['kind'] | 'owner' | 'retention'
  /** Words that the drill's answer must hold. */
  says: string
  lose(): Promise<unknown>
  undo(): Promise<unknown>
}

interface Result {
  losses: { name: string; found: boolean; said: string }[]
  intact: { finding: string; isolation: string; seconds: number }[]
}

const { base, training, draw } = values.base ? realCase(values.base) : nanoCase()
const folder = resolve(values.folder, `${base.name}-seed-${seed}-${rows}-${drills}`)
const away = join(folder, 'away')
// A run that was killed in the middle of a loss has left the base damaged.
for (const name of ['away', `base${extname(base.path)}`])
  rmSync(join(folder, name), { recursive: true, force: true })
mkdirSync(away, { recursive: true })
const { fleet: fleetOf, close } = await openFleets(folder, base)
console.log(describeMachine())
const results: Result[] = []
for (let number = 1; number <= adapters; number++) {
  const file = join(folder, `adapter-${number}.json`)
  if (!existsSync(file)) writeFileSync(file, JSON.stringify(await runAdapter(number)))
  const result = JSON.parse(readFileSync(file, 'utf8')) as Result
  results.push(result)
  const named = result.losses.filter(({ found }) => found).length
  const same = result.intact.filter(({ finding }) => finding === 'REPRODUCED').length
  console.log(
    `adapter ${number}: ${named} of ${result.losses.length} losses named, ${same} of ${result.intact.length} intact drills REPRODUCED`,
  )
}
const losses = results.flatMap((result) => result.losses)
for (const name of new Set(losses.map((loss) => loss.name))) {
  const of = losses.filter((loss) => loss.name === name)
  console.log(
    `  ${name.padEnd(44)} ${of.filter(({ found }) => found).length} of ${of.length}   ${of[0]!.said}`,
  )
}
const intact = results.flatMap((result) => result.intact)
const flagged = intact.filter(({ finding }) => finding !== 'REPRODUCED')
console.log(
  `losses named as the first missing input: ${share(losses.filter(({ found }) => found).length, losses.length)}`,
)
console.log(
  `intact drills flagged: ${share(flagged.length, intact.length)} (${[...new Set(intact.map((drill) => drill.isolation))].join(', ')})`,
)
await close()

interface Case {
  base: FleetBase
  training: { epochs: number; learningRate: number; rank: number }
  /** Items of the suite and rows to train on, of one adapter. */
  draw(number: number): { items: Labelled[]; examples: Labelled[] }
}

function nanoCase(): Case {
  return {
    base: NANO,
    training: { epochs: 3, learningRate: 0.01, rank: 4 },
    draw(number) {
      const tickets = drawTickets(seed, `adapter-${number}`, rows + 200)
      return { items: tickets.slice(0, 200), examples: tickets.slice(200) }
    },
  }
}

function realCase(path: string): Case {
  const data = readBanking77(values.data)
  const subset = selectSubset(data)
  return {
    base: { name: basename(path, extname(path)), path: resolve(path) },
    training: { epochs: 1, learningRate: 0.0005, rank: 8 },
    draw(number) {
      const random = new Random(seed, `banking77/${number}`)
      return {
        items: random.shuffle(data.test).slice(0, 40),
        examples: random
          .shuffle(subset)
          .slice(0, rows)
          .map((row, index) => ({ ...row, user: `user-${index % 40}` })),
      }
    },
  }
}

async function runAdapter(number: number): Promise<Result> {
  const fleet = fleetOf(`adapter-${number}-${Date.now()}`)
  const { items, examples } = draw(number)
  await seal(fleet, 'desk', items)
  const snapshot = await snapshotOf(fleet, 'rows', examples, { subjects: true })
  const options = { snapshot, ...training, seed: number }
  let record = await trainAndRegister(fleet, 'desk', options)
  // The first and every third after it learn once more, from that adapter's logits: a teacher is one more input.
  if (number % 3 === 1) {
    const distilled = { ...options, loss: 'distill', teacher: record.adapter, seed: 100 + number }
    record = await trainAndRegister(fleet, 'desk', distilled)
  }
  const result: Result = { losses: [], intact: [] }
  const planned = await lossesOf(fleet, record, number)
  for (const [position, loss] of planned.entries()) {
    await loss.lose()
    try {
      const { kind, text: said } = await named(fleet, loss)
      const found = kind === loss.kind && said.includes(loss.says)
      if (!found) console.log(`  MISSED ${loss.name}: ${said}`)
      result.losses.push({ name: loss.name, found, said: said.slice(0, 140) })
    } finally {
      await loss.undo()
    }
    // The last loss cannot be undone.
    if (position >= planned.length - drills - 1 && position < planned.length - 1) {
      result.intact.push(await drillIntact(fleet))
    }
  }
  return result
}

/** What the drill names, or which red condition the check finds. */
async function named(fleet: Fleet, { kind }: Loss): Promise<{ kind: string; text: string }> {
  if (kind !== 'owner' && kind !== 'retention') {
    const { missing, verdict } = await rebuild(fleet, 'desk')
    return verdict.finding === 'IMPOSSIBLE' && missing
      ? missing
      : { kind: 'none', text: `${verdict.finding ?? verdict.outcome}` }
  }
  const { adapters: members } = await checkOperation.run(fleet.context, { name: 'desk' })
  const conditions = members.flatMap((member) => member.conditions)
  const condition = conditions.find((one) => one.condition === kind)
  return { kind: condition?.red ? kind : 'none', text: condition?.reason ?? 'no such condition' }
}

async function drillIntact(fleet: Fleet) {
  const { record, verdict, seconds } = await rebuild(fleet, 'desk')
  const { isolation } = await fleet.context.store.artifacts.read<RebuildRecord>(record)
  const finding = verdict.finding ?? verdict.outcome
  if (finding !== 'REPRODUCED') console.log(`  FLAGGED ${verdict.reason}`)
  return { finding, isolation: isolation?.kind ?? 'none', seconds }
}

async function lossesOf(fleet: Fleet, record: TrainedRegistration, number: number): Promise<Loss[]> {
  const { store } = fleet.context
  const random = new Random(seed, `losses/${number}`)
  const manifest = await store.artifacts.read<SnapshotManifest>(record.snapshot.artifact)
  const recorded = (await store.executions.get(record.execution))!
  const { prepared } = recorded.environment as { prepared: { lines: string; tokens: string } }
  const row = random.choice(manifest.rows)
  const restored: Parameters<typeof store.examples.insert>[0] = []
  for await (const example of store.examples.select({ ids: [row.id] })) restored.push(example)
  const teacher = recorded.inputs.find(({ role }) => role === 'teacher-adapter')
  const subject = restored[0]!.subject!
  const { path } = fleet.base
  const whole = join(away, basename(path))
  const damaged = (damage: (base: string, random: Random) => void) => ({
    lose: async () => {
      renameSync(path, whole)
      cpSync(whole, path, { recursive: true })
      damage(path, random)
    },
    undo: async () => {
      rmSync(path, { recursive: true })
      renameSync(whole, path)
    },
  })
  const withExecution = (changes: Partial<Execution>, environment: Record<string, unknown> = {}) => ({
    lose: async () => {
      const id = crypto.randomUUID()
      const other = { ...recorded, id, stepKey: `bench-${id}`, outputs: [], ...changes }
      await store.executions.record({ ...other, environment: { ...recorded.environment, ...environment } })
      await replaceRecord(fleet, { ...record, execution: id })
    },
    undo: () => replaceRecord(fleet, record),
  })
  const artifact = async (name: string, kind: MissingInput['kind'], digest: string): Promise<Loss> => {
    const { artifact: kept, bytes } = await store.artifacts.readBytes(digest)
    const value = JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown
    return {
      ...{ name: `${name} removed`, kind, says: digest.slice('sha256:'.length, 'sha256:'.length + 6) },
      lose: () => store.artifacts.remove(digest),
      undo: () => store.artifacts.put({ kind: kept.kind, schemaVersion: kept.schemaVersion, value }),
    }
  }
  const { config } = fleet.context
  const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)
  return [
    {
      ...{ name: 'the owner retired', kind: 'owner', says: 'the owner ada left' },
      lose: async () => Object.assign(config.people, { ada: { left: yesterday } }),
      undo: async () => delete config.people.ada,
    },
    {
      ...{ name: 'retention lapsed', kind: 'retention', says: 'rows of rows.csv are deleted since' },
      lose: async () => Object.assign(config.sources, { 'rows.csv': { until: yesterday } }),
      undo: async () => delete config.sources['rows.csv'],
    },
    await artifact('recipe', 'recipe', record.recipe),
    await artifact('snapshot manifest', 'snapshot', record.snapshot.artifact),
    await artifact('base record', 'base record', record.base.artifact),
    {
      ...{ name: 'execution record lost', kind: 'execution', says: 'is gone from the record' },
      lose: () => replaceRecord(fleet, { ...record, execution: crypto.randomUUID() }),
      undo: () => replaceRecord(fleet, record),
    },
    {
      ...{ name: 'preprocessing step of another version', kind: 'step', says: 'this installation has' },
      ...withExecution({ version: recorded.version + 1 }),
    },
    {
      ...{
        name: 'preprocessing changed without a version: rows',
        kind: 'preprocessing',
        says: 'other training examples',
      },
      ...withExecution({}, { prepared: { ...prepared, lines: 'f'.repeat(64) } }),
    },
    {
      ...{
        name: 'preprocessing changed without a version: tokens',
        kind: 'preprocessing',
        says: 'other tokens',
      },
      ...withExecution({}, { prepared: { ...prepared, tokens: 'f'.repeat(64) } }),
    },
    await fileFromHome(fleet, record, number),
    {
      ...{ name: 'base removed', kind: 'base', says: 'is not at' },
      lose: async () => renameSync(path, whole),
      undo: async () => renameSync(whole, path),
    },
    {
      ...{
        name: 'base: one bit of the weights',
        kind: 'base',
        says: `the weights of base ${base.name} changed`,
      },
      ...damaged(flipWeightBit),
    },
    {
      ...{
        name: 'base: tokenizer swapped',
        kind: 'base',
        says: `the tokenizer of base ${base.name} changed`,
      },
      ...damaged(swapTokens),
    },
    ...(teacher ? [await teacherFile(fleet, teacher.digest)] : []),
    {
      ...{ name: 'a training row deleted', kind: 'row', says: row.id },
      lose: () => store.examples.remove([row.id], { force: true }),
      undo: async () => {
        await store.examples.insert(restored)
        await store.artifacts.pinRows(record.snapshot.artifact, [row])
      },
    },
    {
      ...{ name: "an end user's key destroyed", kind: 'row', says: 'the key is gone' },
      lose: () => store.keys.destroy(`subject/${subject}`),
      undo: async () => {},
    },
  ]
}

/** A blob of the adapter that taught. */
async function teacherFile({ context: { store } }: Fleet, teacher: string): Promise<Loss> {
  const { files } = await store.artifacts.read<AdapterRecord>(teacher)
  const { digest } = files.at(-1)!
  const bytes = await store.blobs.read(digest)
  return {
    ...{ name: "data blob deleted: the teacher's weights", kind: 'teacher', says: digest },
    lose: () => store.blobs.remove(digest),
    undo: () => store.blobs.put(bytes),
  }
}

/** A training that really loaded a module from a home; the drill's home is empty. */
async function fileFromHome(fleet: Fleet, record: TrainedRegistration, number: number): Promise<Loss> {
  const patch = join(away, 'patch.mjs')
  writeFileSync(patch, 'globalThis.patched = true\n')
  process.env.NODE_OPTIONS = `--import=${patch}`
  const options = { snapshot: record.snapshot.artifact, ...training, epochs: 1, seed: 500 + number }
  const patched = await trainAndRegister(fleet, 'patched', options).finally(() => {
    delete process.env.NODE_OPTIONS
  })
  return {
    ...{ name: 'a file that the run read from a home', kind: 'file', says: `file ${patch}: NODE_OPTIONS` },
    lose: async () => {
      rmSync(patch)
      await replaceRecord(fleet, { ...patched, name: 'desk' })
    },
    undo: () => replaceRecord(fleet, record),
  }
}

function share(count: number, n: number): string {
  const { estimate, low, high } = wilsonInterval(count, n)
  const show = (part: number) => (part * 100).toFixed(1)
  return `${count} of ${n}, ${show(estimate)} % [${show(low)}, ${show(high)}]`
}
