import { afterAll, beforeAll, expect, test } from 'vitest'
import { Config } from '../../../config/index.ts'
import type { OperationContext } from '../../../operation/index.ts'
import { openTestStore } from '../../../store/testing.ts'
import type { ProjectStore } from '../../../store/types.ts'
import { nameSuite } from '../../suite.ts'
import { sealItems } from '../seal-items.ts'
import { readSuite } from '../suite.ts'
import { VaultVisit } from '../visit.ts'
import { vaultExport } from './export.ts'
import { vaultQueries } from './queries.ts'
import { vaultReveal } from './reveal.ts'
import { vaultShow } from './show.ts'

let store: Awaited<ReturnType<typeof openTestStore>>
beforeAll(async () => {
  store = await openTestStore()
})
afterAll(() => store.close())

function contextOf(project: ProjectStore): OperationContext {
  return {
    store: project,
    principal: { id: 'ada', scopes: ['admin'] },
    config: Config.parse({ vault: { evaluations: 2 } }),
    signal: new AbortController().signal,
    progress() {},
    log: { debug() {}, info() {}, warn() {}, error() {} },
    services: {} as OperationContext['services'],
    jobId: null,
    attempt: 1,
  }
}

async function seal(project: ProjectStore, texts: string[]) {
  const clear = texts.map((text) => {
    return { messages: [{ role: 'user', content: text }], expected: 'atm', inference: null, subject: null }
  })
  const items = await sealItems(project.keys, 'desk', clear)
  const value = { name: 'desk', scoring: 'exact-match', items, leftOut: [] }
  const { digest } = await project.artifacts.put({ kind: 'suite', schemaVersion: 2, value })
  await nameSuite(project, 'desk', digest)
  return await readSuite(project, digest)
}

const TEXTS = ['where is my card', 'it was swallowed', 'refund please']

test('an item that is revealed is burned, and stays burned when the file is sealed again with more rows', async () => {
  const context = contextOf(store.project('reveal'))
  const suite = await seal(context.store, TEXTS)
  const [item] = suite.items
  const shown = await vaultReveal.run(context, { suite: 'desk', item: item!.id, reason: 'always wrong' })
  expect(shown).toMatchObject({ burned: 1, counting: 2, expected: 'atm', messages: [{ content: TEXTS[0] }] })
  // Seen twice is burned once, and told twice.
  await vaultReveal.run(context, { suite: suite.digest, item: item!.id, reason: 'again' })
  const larger = await seal(context.store, [...TEXTS, 'one more', 'and another'])
  expect(larger.digest).not.toBe(suite.digest)
  const now = await vaultShow.run(context, { suite: 'desk' })
  expect(now).toMatchObject({ suite: larger.digest, items: 5, counting: 4, burned: 1, reveals: 2 })
  const { queries } = await vaultQueries.run(context, { suite: 'desk' })
  expect(queries.map(({ purpose, principal, details }) => [purpose, principal, details])).toEqual([
    ['show', 'ada', { item: item!.id, reason: 'always wrong' }],
    ['show', 'ada', { item: item!.id, reason: 'again' }],
  ])
  expect(vaultQueries.render!({ suite: '', queries }, { colour: false, width: 80 })).toContain('always wrong')
  const unknown = vaultReveal.run(context, { suite: 'desk', item: suite.digest, reason: 'curious' })
  await expect(unknown).rejects.toMatchObject({ code: 'not-found' })
})

test('a suite that shares half of its items with an exhausted one is exhausted too, a fresh one is not', async () => {
  const { store: project, ...context } = contextOf(store.project('budget'))
  const access = { principal: 'ada', budget: context.config.vault }
  const ask = async (suite: Awaited<ReturnType<typeof seal>>) => {
    const visit = new VaultVisit(project, access, 'evaluate')
    await visit.itemsForEvaluation(suite, [])
    await visit.log({ adapter: 'sha256:a' })
  }
  const suite = await seal(project, TEXTS)
  await ask(suite)
  await ask(suite)
  await expect(ask(suite)).rejects.toMatchObject({ code: 'forbidden', details: { used: 2, allowed: 2 } })
  await expect(ask(await seal(project, [...TEXTS, 'one more']))).rejects.toMatchObject({ code: 'forbidden' })
  await ask(await seal(project, ['nothing', 'of', 'it', TEXTS[0]!]))
})

test('an export names who took it and why, burns nothing, and seals to the same items again', async () => {
  const context = contextOf(store.project('export'))
  const suite = await seal(context.store, TEXTS)
  const { out, items } = await vaultExport.run(context, { suite: 'desk', reason: 'moves to another server' })
  expect(items).toBe(3)
  const lines = out.text.trim().split('\n')
  expect(JSON.parse(lines[0]!)).toEqual({
    messages: [
      { role: 'user', content: TEXTS[0] },
      { role: 'assistant', content: 'atm' },
    ],
  })
  expect(await vaultShow.run(context, { suite: suite.digest.slice(7, 19) })).toMatchObject({
    ...{ burned: 0, exports: 1, evaluations: { used: 0, budget: 2 } },
  })
  const [query] = (await vaultQueries.run(context, { suite: 'desk' })).queries
  expect(query).toMatchObject({
    purpose: 'export',
    principal: 'ada',
    rows: 3,
    details: { reason: 'moves to another server' },
  })
  expect(await context.store.audit.list()).toMatchObject([
    { action: 'export-vault', about: 'desk', subject: suite.digest, details: { items: 3 } },
  ])
})

test('what hands out text is no read, and needs the scope admin', () => {
  for (const { effect, scope, mode } of [vaultReveal, vaultExport]) {
    expect([effect, scope, mode]).toEqual(['write', 'admin', 'call'])
  }
})
