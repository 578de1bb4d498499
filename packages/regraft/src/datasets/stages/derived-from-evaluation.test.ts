import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeSelection, runStep } from '../../lineage/index.ts'
import { example, inference, NOON } from '../../store/spec/fixtures.ts'
import { openTestStore } from '../../store/testing.ts'
import type { FeedbackPayload, NewFeedback, NewInference } from '../../store/types.ts'
import { buildSnapshot } from '../build-snapshot.ts'
import type { SnapshotManifest } from '../manifest.ts'
import { readSuite, sealItems } from '../vault/index.ts'

let store: Awaited<ReturnType<typeof openTestStore>>
beforeAll(async () => {
  store = await openTestStore()
})
afterAll(() => store.close())

const ACCESS = { principal: 'ada', budget: { evaluations: 1, screens: 9 } }

test('rows made from an item are left out by their lineage, over any number of rows and whatever they say', async () => {
  const project = store.project('triage')
  const clear = (text: string, from: { inference?: string; subject?: string } = {}) => ({
    messages: [{ role: 'user', content: text }],
    expected: 'atm',
    inference: from.inference ?? null,
    subject: from.subject ?? null,
  })
  const held = inference('the machine kept my card')
  const subject = await project.keys.subjectOf('user-7')
  const sealed = await sealItems(project.keys, 'desk', [
    clear('where is the card that I ordered'),
    clear('my account was closed', { subject }),
    clear('the machine kept my card', { inference: held.id }),
  ])
  const value = { name: 'desk', scoring: 'exact-match', items: sealed, leftOut: [] }
  const { digest } = await project.artifacts.put({ kind: 'suite', schemaVersion: 2, value })
  const [fromFile, ofUser, fromTraffic] = (await readSuite(project, digest)).items.map(({ id }) => id)
  // Of this item nobody can read the text any more, and the other one somebody has seen.
  await project.keys.destroy(`subject/${subject}`)
  await project.vault.burn({ suite: digest, items: [fromFile!], principal: 'ada', reason: 'triage' })

  const rows: Record<string, NewInference> = {
    plain: inference('please change my address'),
    direct: inference('how do I bake bread', { derivedFrom: [fromFile!] }),
    ofErased: inference('what is the capital of Peru', { derivedFrom: [ofUser!] }),
    ofHeldOut: inference('a poem about the sea', { derivedFrom: [held.id] }),
    corrected: inference('name three rivers'),
    voted: inference('name four rivers'),
    far: inference('translate this sentence'),
  }
  const feedback = (about: NewInference, payload: FeedbackPayload, derivedFrom = [about.id]): NewFeedback => {
    const id = about.id.replace(/^../, payload.type === 'label' ? 'ff' : 'fe')
    return { id, inferenceId: about.id, occurredAt: NOON, payload, derivedFrom }
  }
  const label = (about: NewInference, derivedFrom?: string[]) =>
    feedback(about, { type: 'label', value: 'answer', author: null }, derivedFrom)
  // The last row comes from an example, which comes from a comment on a row that an item was rewritten into.
  const rewritten = inference('a rewritten question', { derivedFrom: [fromFile!] })
  const comment = feedback(rewritten, { type: 'comment', value: 'use this', author: null })
  const made = example('an exercise', [comment.id])
  rows.far!.derivedFrom = [made.id]
  await project.inferences.insert([held, rewritten, ...Object.values(rows)])
  await project.examples.insert([made])
  const { corrected, voted, ...others } = rows as Record<string, NewInference>
  await project.feedback.insert([
    ...Object.values(others).map((row) => label(row)),
    comment,
    label(held),
    label(corrected!, [corrected!.id, fromTraffic!]),
    feedback(voted!, { type: 'accept', author: null }),
    label(voted!),
  ])

  const inputs = []
  for (const table of ['inferences', 'feedback'] as const) {
    const { artifact } = await makeSelection(project, table)
    inputs.push({ role: table, digest: artifact.digest })
  }
  const built = await runStep({ project }, buildSnapshot(ACCESS), {
    inputs: [...inputs, { role: 'suite', digest }],
    parameters: { task: null, consent: null, validation: 0 },
    seed: 1,
  })
  const manifest = await project.artifacts.read<SnapshotManifest>(built.digest('snapshot'))
  const kept = manifest.rows.map((row) => row.inference)
  expect(kept.sort()).toEqual([rows.plain!.id, voted!.id].sort())
  const blocked = manifest.dropped.filter(({ reason }) => reason === 'derived-from-evaluation')
  expect(new Map(blocked.map((row) => [row.inference, row.of]))).toEqual(
    new Map([
      [rows.direct!.id, fromFile],
      [rows.ofErased!.id, ofUser],
      [rows.ofHeldOut!.id, fromTraffic],
      [corrected!.id, fromTraffic],
      [rows.far!.id, fromFile],
    ]),
  )
  expect(manifest.dropped.filter(({ reason }) => reason === 'held-out')).toMatchObject([
    { inference: held.id },
  ])
  // The log names the snapshot, and was written before anybody could read it.
  expect(await project.vault.queries(digest)).toMatchObject([
    { purpose: 'screen', principal: 'ada', details: { snapshot: built.digest('snapshot'), budget: 9 } },
  ])
})
