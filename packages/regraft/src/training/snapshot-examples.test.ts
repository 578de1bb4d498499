import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SnapshotManifest } from '../datasets/index.ts'
import { example } from '../store/spec/fixtures.ts'
import { openTestStore } from '../store/testing.ts'
import { readExamples } from './snapshot-examples.ts'

let store: Awaited<ReturnType<typeof openTestStore>>
beforeAll(async () => {
  store = await openTestStore()
})
afterAll(() => store.close())

test('weights and probabilities of rows reach the trainer, in each form', async () => {
  const project = store.project('trust')
  const messages = [{ role: 'user', content: 'where' }]
  const trust = { weight: 2.5, probability: 0.9 }
  const payloads = [
    { messages, completion: 'a', signal: 'label' as const },
    { messages, completion: 'a', signal: 'label' as const, ...trust },
    { messages, kind: 'preference' as const, chosen: 'a', rejected: 'b', signal: 'vote' as const, ...trust },
    {
      messages,
      kind: 'desirability' as const,
      completion: 'a',
      label: true,
      signal: 'copy' as const,
      ...trust,
    },
  ]
  const rows = payloads.map((payload) => ({ ...example('where'), payload }))
  await project.examples.insert(rows)
  const links: { id: string; digest: string; split: string }[] = []
  for await (const { id, digest } of project.examples.links({ ids: rows.map(({ id }) => id) })) {
    links.push({ id, digest, split: 'train' })
  }
  const order = rows.map(({ id }) => links.find((link) => link.id === id)!)
  const manifest = { rows: order } as unknown as SnapshotManifest
  expect(await readExamples(project, manifest, 'train')).toEqual([
    { messages, completion: 'a' },
    { messages, completion: 'a', ...trust },
    { messages, chosen: 'a', rejected: 'b', ...trust },
    { messages, completion: 'a', label: true, ...trust },
  ])
})
