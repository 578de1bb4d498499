import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import type { ProjectStore, Store } from '../store/index.ts'
import { collect, example, inference, NOON } from '../store/spec/fixtures.ts'
import { openTestStore } from '../store/testing.ts'
import {
  closure,
  consequences,
  defineStep,
  makeSelection,
  path,
  renderLineage,
  runStep,
  type StepContext,
  shortDigest,
  verifySelection,
} from './index.ts'
import { stepFixture } from './step-fixture.ts'

let store: Store
let projects = 0
beforeAll(async () => {
  store = await openTestStore()
})
afterAll(() => store.close())

const build = defineStep({
  name: 'datasets.build',
  version: 2,
  determinism: 'pure',
  input: z.object({ validation: z.number().min(0).max(1).default(0.2) }),
  async run({ parameters, read }) {
    const selection = await read<{ count: number }>('selection')
    const value = { rows: selection.count, validation: parameters.validation }
    return [{ role: 'snapshot', kind: 'snapshot', schemaVersion: 1, value }]
  },
})

let trainings = 0
const train = defineStep({
  name: 'training.run',
  version: 1,
  determinism: 'seeded',
  input: z.object({ rank: z.number().int().default(8), rate: z.number().default(2e-4) }),
  output: { adapter: z.object({ files: z.array(z.unknown()) }) },
  async run({ parameters, seed, blobs, inputs, report }) {
    trainings++
    report({ updates: 1 })
    const weights = Buffer.from(`${parameters.rank} ${seed} ${inputs.map(({ digest }) => digest)}`)
    const { digest, size } = await blobs.put(weights)
    const files = [{ path: 'adapter_model.safetensors', digest, size }]
    return [{ role: 'adapter', kind: 'adapter', schemaVersion: 1, value: { files } }]
  },
})

/** A clock that moves on by a second whenever it is read. */
function ticking(project: ProjectStore): StepContext {
  let reads = 0
  return { project, now: () => new Date(NOON.getTime() + 1000 * reads++) }
}

/** Two inferences, feedback on the first, an example from it, a snapshot that holds the example, two adapters. */
async function smallGraph() {
  const project = store.project(`lineage-${++projects}`)
  const context = ticking(project)
  const [origin, bystander] = [inference('refund please'), inference('unrelated')]
  await project.inferences.insert([origin, bystander])
  const label = { id: uuidv7(), inferenceId: origin.id, occurredAt: NOON }
  await project.feedback.insert([{ ...label, payload: { type: 'label', value: 'refunds', author: null } }])
  const row = example('refund please', [label.id])
  await project.examples.insert([row])
  const [stored] = await collect(project.examples.select())
  const { artifact: selection } = await makeSelection(project, 'examples')
  const base = await project.artifacts.put({ kind: 'base', schemaVersion: 1, value: { name: 'nano' } })
  const built = await runStep(context, build, { inputs: [{ role: 'selection', digest: selection.digest }] })
  const snapshot = built.digest('snapshot')
  await project.artifacts.pinRows(snapshot, [{ id: row.id, digest: stored!.digest, split: 'train' }])
  const inputs = [
    { role: 'snapshot', digest: snapshot },
    { role: 'base', digest: base.digest },
  ]
  const trained = await runStep(context, train, { inputs, parameters: { rank: 16 }, seed: 7 })
  const adapter = trained.digest('adapter')
  return {
    project,
    context,
    origin,
    bystander,
    label,
    row,
    selection,
    base,
    snapshot,
    built,
    trained,
    adapter,
    inputs,
  }
}

test('a pure or seeded call is made once, and again when anything about it differs', async () => {
  const { project, context, inputs, trained } = await smallGraph()
  const before = trainings
  const same = await runStep(context, train, { inputs, parameters: { rank: 16, rate: 0.0002 }, seed: 7 })
  expect(same).toMatchObject({
    cached: true,
    execution: { id: trained.execution.id },
    outputs: trained.outputs,
  })
  expect(trainings).toBe(before)
  const others = [
    { inputs, parameters: { rank: 16 }, seed: 8 },
    { inputs, parameters: { rank: 17 }, seed: 7 },
    { inputs: inputs.toReversed(), parameters: { rank: 16 }, seed: 7 },
    { inputs: inputs.map((edge) => ({ ...edge, role: `${edge.role}s` })), parameters: { rank: 16 }, seed: 7 },
  ]
  const keys = new Set([trained.execution.stepKey])
  for (const other of others) {
    const result = await runStep(context, train, other)
    expect(result.cached).toBe(false)
    keys.add(result.execution.stepKey)
  }
  const raised = { ...train, version: 2 }
  keys.add((await runStep(context, raised, { inputs, parameters: { rank: 16 }, seed: 7 })).execution.stepKey)
  expect(keys.size).toBe(6)
  const [file] = await filesOfAdapter(project, trained.digest('adapter'))
  await project.blobs.remove(file!.digest)
  const remade = await runStep(context, train, { inputs, parameters: { rank: 16 }, seed: 7 })
  expect(remade).toMatchObject({ cached: false, outputs: trained.outputs })
})

async function filesOfAdapter(project: ProjectStore, digest: string): Promise<{ digest: string }[]> {
  return (await project.artifacts.read<{ files: { digest: string }[] }>(digest)).files
}

test('a drill runs although the result is cached, and both executions made the adapter', async () => {
  const { project, context, inputs, trained, adapter } = await smallGraph()
  const call = { inputs, parameters: { rank: 16 }, seed: 7 }
  const drill = await runStep(context, train, call, { bypassCache: true })
  expect(drill.cached).toBe(false)
  expect(drill.digest('adapter')).toBe(adapter)
  const makers = await project.executions.producing(adapter)
  expect(makers.map(({ id }) => id)).toEqual([trained.execution.id, drill.execution.id])
  expect((await project.artifacts.get(adapter))?.firstExecution).toBe(trained.execution.id)
})

test('an execution records filled-in parameters, the seed, the machine and the times', async () => {
  const { project, trained } = await smallGraph()
  const recorded = await project.executions.get(trained.execution.id)
  expect(recorded).toEqual(trained.execution)
  expect(recorded).toMatchObject({ parameters: { rank: 16, rate: 2e-4 }, seed: 7, step: 'training.run' })
  expect(recorded?.environment).toMatchObject({ node: process.version, platform: process.platform })
  expect(recorded!.finishedAt.getTime() - recorded!.startedAt.getTime()).toBe(1000)
})

test('a bad call is refused in words, and nothing is recorded', async () => {
  const { project, context, inputs } = await smallGraph()
  const absent = `sha256:${'0'.repeat(64)}`
  const refuse = (call: Parameters<typeof runStep>[2]) => expect(runStep(context, train, call)).rejects
  await refuse({ inputs, parameters: { rank: 1.5 }, seed: 1 }).toMatchObject({
    code: 'invalid-input',
    message: expect.stringMatching(/^training\.run: rank: /),
  })
  await refuse({ inputs }).toThrow('training.run needs a seed')
  await refuse({ inputs: [{ role: 'base', digest: absent }], seed: 1 }).toMatchObject({ code: 'not-found' })
  const failing = { ...train, name: 'training.fails', run: () => Promise.reject(new Error('out of memory')) }
  await expect(runStep(context, failing, { inputs, seed: 1 })).rejects.toThrow('out of memory')
  const wrong = { ...train, name: 'training.wrong', output: { adapter: z.object({ missing: z.string() }) } }
  await expect(runStep(context, wrong, { inputs, seed: 1 })).rejects.toThrow("made a bad 'adapter'")
  const steps = (await project.executions.consuming(inputs[0]!.digest)).map(({ step }) => step)
  expect(steps).toEqual(['training.run'])
})

test('an external step always runs, and pays for each answer once', async () => {
  const project = store.project(`lineage-${++projects}`)
  let paid = 0
  const judge = defineStep({
    name: 'labels.judge',
    version: 1,
    determinism: 'external',
    input: z.object({ samples: z.number() }),
    async run({ parameters, ledger }) {
      const answers = await Promise.all(
        Array.from({ length: parameters.samples }, (_, index) =>
          // The third asks for the first sample again, while that is still under way.
          ledger.call('sha256:prompt', index % 2, async () => Buffer.from(`answer ${paid++}`)),
        ),
      )
      const value = answers.map((bytes) => Buffer.from(bytes).toString())
      return [{ role: 'labels', kind: 'measurement', schemaVersion: 1, value }]
    },
  })
  const call = { inputs: [], parameters: { samples: 3 } }
  const first = await runStep({ project }, judge, call)
  expect(paid).toBe(2)
  const second = await runStep({ project }, judge, call)
  expect(paid).toBe(2)
  expect(second.cached).toBe(false)
  expect(second.outputs).toEqual(first.outputs)
  expect(second.execution.environment.ledger).toEqual({ calls: 3, replayed: 2 })
  expect(await project.executions.producing(first.digest('labels'))).toHaveLength(2)
})

test('a closure lists makers before what they make, files, rows down to the traffic, and what is gone', async () => {
  const { project, adapter, snapshot, selection, base, row, label, built, trained } = await smallGraph()
  const whole = await closure(project, adapter, { rows: true })
  expect(whole.artifacts.map(({ digest }) => digest)).toEqual([
    selection.digest,
    snapshot,
    base.digest,
    adapter,
  ])
  expect(whole.artifacts.map(({ execution }) => execution?.id ?? null)).toEqual([
    null,
    built.execution.id,
    null,
    trained.execution.id,
  ])
  expect(whole.executions.map(({ step }) => step)).toEqual(['datasets.build', 'training.run'])
  expect(whole.files.map((file) => file.path)).toEqual(['adapter_model.safetensors'])
  expect(whole.rows).toMatchObject([
    { id: row.id, table: 'examples', snapshot },
    { id: label.id, table: 'feedback', snapshot: null },
  ])
  expect(whole.missing).toEqual([])
  expect((await closure(project, adapter)).rows).toEqual([])
  await project.feedback.remove([label.id])
  await project.artifacts.remove(selection.digest)
  expect((await closure(project, adapter, { rows: true })).missing).toEqual([selection.digest, label.id])
})

test('the consequences of a row are its descendants, the snapshots that hold them and what was trained', async () => {
  const { project, adapter, snapshot, origin, bystander, label, row, base, trained } = await smallGraph()
  const found = await consequences(project, origin.id)
  expect(found.rows).toEqual([origin.id, label.id, row.id])
  expect(found.artifacts.map(({ digest }) => digest)).toEqual([snapshot, adapter])
  expect(await consequences(project, bystander.id)).toEqual({ rows: [bystander.id], artifacts: [] })
  expect((await consequences(project, base.digest)).artifacts).toMatchObject([
    { digest: adapter, execution: { id: trained.execution.id } },
  ])
})

test('a path tells each step, how long it took and how long it waited', async () => {
  const { project, adapter, snapshot, selection, base, origin } = await smallGraph()
  const steps = await path(project, selection.digest, adapter)
  expect(steps).toMatchObject([
    {
      from: selection.digest,
      to: snapshot,
      execution: { step: 'datasets.build' },
      durationMs: 1000,
      waitedMs: null,
    },
    { from: snapshot, to: adapter, execution: { step: 'training.run' }, durationMs: 1000, waitedMs: 1000 },
  ])
  expect(await path(project, origin.id, adapter)).toMatchObject([{ from: snapshot, to: adapter }])
  expect(await path(project, adapter, selection.digest)).toBeNull()
  expect(await path(project, base.digest, base.digest)).toEqual([])
})

test('a step that gives back its input does not send the walks round in circles', async () => {
  const { project, context, adapter } = await smallGraph()
  const copy = defineStep({
    name: 'compose.merge',
    version: 1,
    determinism: 'pure',
    input: z.object({}),
    run: async ({ read }) => [
      { role: 'adapter', kind: 'adapter', schemaVersion: 1, value: await read<unknown>('adapter') },
    ],
  })
  const merged = await runStep(context, copy, { inputs: [{ role: 'adapter', digest: adapter }] })
  expect(merged.digest('adapter')).toBe(adapter)
  expect((await closure(project, adapter)).executions.map(({ step }) => step)).toEqual([
    'datasets.build',
    'training.run',
  ])
  expect((await consequences(project, adapter)).artifacts).toEqual([])
  expect(await renderLineage(project, adapter)).not.toContain('compose.merge')
})

test('the tree shows kinds, steps, durations, parameters and what is missing, each subtree once', async () => {
  const { project, context, adapter, snapshot, selection, base, inputs } = await smallGraph()
  const [s, a, b, from] = [snapshot, adapter, base.digest, selection.digest].map(shortDigest)
  expect(await renderLineage(project, adapter)).toBe(
    [
      `adapter ${a}`,
      '└─ training.run v1 (1.0 s, seed 7)  rank=16 rate=0.0002',
      `   ├─ snapshot ${s}`,
      '   │  └─ datasets.build v2 (1.0 s)  validation=0.2',
      `   │     └─ selection ${from}, from outside`,
      `   └─ base ${b}, from outside`,
    ].join('\n'),
  )
  const retraining = { inputs: [...inputs, { role: 'incumbent', digest: adapter }], seed: 8 }
  const retrained = await runStep(context, train, retraining)
  await project.artifacts.remove(selection.digest)
  const downstream = (await renderLineage(project, snapshot, { direction: 'downstream' })).split('\n')
  const second = shortDigest(retrained.digest('adapter'))
  expect(downstream).toEqual([
    `snapshot ${s}`,
    '├─ training.run v1 (1.0 s, seed 7)  rank=16 rate=0.0002',
    `│  └─ adapter ${a}`,
    '│     └─ training.run v1 (1.0 s, seed 8)  rank=8 rate=0.0002',
    `│        └─ adapter ${second}`,
    '└─ training.run v1 (1.0 s, seed 8)  rank=8 rate=0.0002',
    `   └─ adapter ${second}`,
  ])
  // Its snapshot is an input of the retrained adapter too, and of the incumbent.
  const upstream = (await renderLineage(project, retrained.digest('adapter'))).split('\n')
  expect(upstream.filter((line) => line.includes(`snapshot ${s}`))).toEqual([
    `   ├─ snapshot ${s}`,
    `         ├─ snapshot ${s}, shown above`,
  ])
  expect(await renderLineage(project, snapshot)).toContain(`selection: ${from}, MISSING`)
})

test('a selection is the same for the same rows, and notices a row that is gone', async () => {
  const project = store.project(`lineage-${++projects}`)
  const rows = Array.from({ length: 9 }, (_, index) =>
    inference(`${index}`, { occurredAt: new Date(NOON.getTime() + index * 1000) }),
  )
  await project.inferences.insert(rows)
  const query = { from: rows[2]!.occurredAt, until: rows[7]!.occurredAt }
  const made = await makeSelection(project, 'inferences', query)
  expect(made.selection).toMatchObject({ count: 5, query: { from: '2026-03-01T12:00:02.000Z' } })
  expect((await makeSelection(project, 'inferences', query)).artifact.digest).toBe(made.artifact.digest)
  await project.inferences.insert([inference('late', { occurredAt: rows[3]!.occurredAt })])
  await verifySelection(project, made.selection)
  expect((await makeSelection(project, 'inferences', query)).selection.root).not.toBe(made.selection.root)
  await project.inferences.remove([rows[4]!.id])
  await expect(verifySelection(project, made.selection)).rejects.toMatchObject({ code: 'digest-mismatch' })
})

test('rows that were selected before are counted, not read again', async () => {
  const project = store.project(`lineage-${++projects}`)
  const rows = ['one', 'two', 'three'].map((text) => inference(text))
  await project.inferences.insert(rows)
  const { inferences } = project
  const digests = inferences.digests.bind(inferences)
  let readings = 0
  inferences.digests = (query) => {
    readings++
    return digests(query)
  }
  const part = { ids: rows.slice(0, 2).map(({ id }) => id) }
  const [all, two] = [
    await makeSelection(project, 'inferences'),
    await makeSelection(project, 'inferences', part),
  ]
  expect(readings).toBe(2)
  expect(await makeSelection(project, 'inferences')).toEqual(all)
  expect(await makeSelection(project, 'inferences', part)).toEqual(two)
  expect(readings).toBe(2)
  // With as many rows as `part` but another query: the watermark is that of `all`, the rows are others.
  await inferences.remove([rows[0]!.id])
  const rest = await makeSelection(project, 'inferences')
  expect([rest.selection.count, readings]).toEqual([2, 3])
  expect([all.selection.root, two.selection.root]).not.toContain(rest.selection.root)
})

test('the fixture digest of a step changes with its output', async () => {
  const project = store.project(`lineage-${++projects}`)
  const fixture = {
    inputs: [{ role: 'selection', kind: 'selection' as const, schemaVersion: 1, value: { count: 3 } }],
  }
  const pinned = await stepFixture(project, build, fixture)
  expect(pinned).toEqual({
    version: 2,
    digest: 'sha256:57c19a245ee12575f51b9aac1362c869a0bbebb27508933c19fdf31e2acadb31',
  })
  const changed = await stepFixture(project, { ...build, run: async () => [] }, fixture)
  expect(changed.digest).not.toBe(pinned.digest)
})
