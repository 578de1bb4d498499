import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { importOperation, type Journals, openJournals } from '../capture/index.ts'
import { Config } from '../config/index.ts'
import { shortDigest } from '../lineage/index.ts'
import type { OperationContext } from '../operation/index.ts'
import { inference, NOON } from '../store/spec/fixtures.ts'
import { openTestStore } from '../store/testing.ts'
import { buildOperation } from './build.ts'
import type { SnapshotManifest } from './manifest.ts'
import { sealOperation } from './seal.ts'

let store: Awaited<ReturnType<typeof openTestStore>>
let journals: Journals
beforeAll(async () => {
  store = await openTestStore()
  journals = await openJournals(join(store.dataDirectory, 'journal'), { store })
})
afterAll(async () => {
  await journals.close()
  await store.close()
})

const LEAK = 'my card was swallowed by the machine at the station and the bank does not answer the telephone'

test('an overlap names the line and the file, or what is known of them, and so does each row', async () => {
  const project = store.project('desk')
  const context: OperationContext = {
    store: project,
    principal: { id: 'local', scopes: ['admin'] },
    config: Config.parse({}),
    signal: new AbortController().signal,
    progress() {},
    log: { debug() {}, info() {}, warn() {}, error() {} },
    services: { journals } as OperationContext['services'],
    jobId: null,
    attempt: 1,
  }
  const upload = async (name: string, content: string) => {
    return { digest: (await project.blobs.put(Buffer.from(content))).digest, name }
  }
  const traffic = await upload('traffic.csv', `text,label\nwhere is my card,arrival\n${LEAK},atm\n???,none\n`)
  const columns = { text: 'text', label: 'label' }
  const older = { file: { ...traffic, name: 'tickets.csv' }, ...columns }
  await importOperation.run(context, older)
  await importOperation.run(context, { ...older, file: traffic })

  const unnamed = `sha256:${'ab'.repeat(32)}`
  const [served, foreign] = [inference(`${LEAK} today`), inference(`hello ${LEAK}`)]
  foreign.payload.source = { kind: 'import', file: unnamed, line: 1423 }
  await project.inferences.insert([served, foreign])
  await project.feedback.insert(
    [served, foreign].map(({ id }) => ({
      id: id.replace(/^./, 'f'),
      inferenceId: id,
      occurredAt: NOON,
      payload: { type: 'label', value: 'atm', author: null },
    })),
  )
  const evaluation = await upload('evaluation.csv', `text,label\n${LEAK},atm\n`)
  await sealOperation.run(context, { file: evaluation, as: 'desk', ...columns })

  const input = buildOperation.input.parse({ validation: 0 })
  const built = buildOperation.output.parse(await buildOperation.run(context, input))
  expect(new Map(built.overlaps.map(({ place, source }) => [place, source]))).toEqual(
    new Map([
      ['line 3 of traffic.csv', `import:${traffic.digest}:3`],
      [`line 1423 of file ${shortDigest(unnamed)}`, `import:${unnamed}:1423`],
      [`inference ${served.id}`, 'serving'],
    ]),
  )
  expect(buildOperation.render!(built, { colour: false, width: 80 })).toContain(
    'line 3 of traffic.csv repeats item ',
  )
  const { rows, dropped } = await project.artifacts.read<SnapshotManifest>(built.snapshot)
  expect(rows.map(({ source }) => source).sort()).toEqual([
    `import:${traffic.digest}:2`,
    `import:${traffic.digest}:4`,
  ])
  expect(dropped.every(({ source }) => source === 'serving' || source.startsWith('import:'))).toBe(true)
})
