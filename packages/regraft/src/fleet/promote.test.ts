import { afterAll, beforeAll, expect, test } from 'vitest'
import { incumbentAlias } from '../gates/index.ts'
import { auditLog } from '../store/migrations/0003-audit-log.ts'
import { openTestStore } from '../store/testing.ts'
import type { ProjectStore } from '../store/types.ts'
import { enroll } from './enroll.ts'
import { contextOf, makeRecord, makeVerdict } from './fixtures/fleet.ts'
import { historyOperation } from './history.ts'
import { logOperation } from './log.ts'
import type { FleetAlias } from './names.ts'
import { promoteOperation } from './promote.ts'
import { requireRegistration } from './registration.ts'
import { showOperation } from './show.ts'

let store: Awaited<ReturnType<typeof openTestStore>>
beforeAll(async () => {
  store = await openTestStore()
})
afterAll(() => store.close())

const register = async (project: ProjectStore, name: string, as: FleetAlias | null = 'champion') =>
  await enroll(contextOf(project), {
    record: await makeRecord(project, { name, suite: 'one' }),
    as,
    waiver: null,
  })
const promote = (project: ProjectStore, reference: string, more: object = {}) =>
  promoteOperation.run(contextOf(project), promoteOperation.input.parse({ reference, ...more }))
const versionOf = async (project: ProjectStore, reference: string) =>
  (await requireRegistration(project, reference)).registration.version

test('the first version is champion; a candidate becomes it when promoted, and one command rolls back', async () => {
  const project = store.project('promote')
  const first = await register(project, 'desk')
  const second = await register(project, 'desk', 'candidate')
  const incumbent = () => project.aliases.get(incumbentAlias(first.registration.suite!.artifact))
  expect(await versionOf(project, 'desk')).toBe(1)
  expect(await versionOf(project, 'desk@candidate')).toBe(2)
  expect(await versionOf(project, 'desk@v2')).toBe(2)
  expect(await incumbent()).toBe(first.registration.adapter)

  expect(await promote(project, 'desk')).toMatchObject({
    alias: 'champion',
    version: 2,
    from: 1,
    outcome: 'pass',
  })
  expect(await versionOf(project, 'desk')).toBe(2)
  expect(await incumbent()).toBe(second.registration.adapter)
  await expect(promote(project, 'desk')).rejects.toMatchObject({ code: 'conflict' })

  expect(await promote(project, 'desk@1')).toMatchObject({ version: 1, from: 2, waiver: null })
  expect(await versionOf(project, 'desk@champion')).toBe(1)
  expect(await incumbent()).toBe(first.registration.adapter)
  const { moves } = await historyOperation.run(contextOf(project), { name: 'desk' })
  expect(moves.map(({ alias, version, from, outcome }) => [alias, version, from, outcome])).toEqual([
    ['champion', 1, null, 'pass'],
    ['candidate', 2, null, 'pass'],
    ['champion', 2, 1, 'pass'],
    ['champion', 1, 2, 'pass'],
  ])
  expect(moves[0]).toMatchObject({
    principal: 'local',
    registration: first.digest,
    verdict: first.registration.verdict,
  })
  await expect(requireRegistration(project, 'desk@3')).rejects.toThrow(
    /of desk there is @1, @2, @champion, @candidate/,
  )
  await expect(requireRegistration(project, 'Desk!')).rejects.toMatchObject({ code: 'not-found' })
})

test('what no gate has passed does not become champion without a waiver, which history keeps', async () => {
  const project = store.project('waiver')
  await register(project, 'desk')
  const { registration } = await register(project, 'desk', null)
  await makeVerdict(project, registration.adapter, registration.suite!.artifact, 'cannot-tell')
  await expect(promote(project, 'desk@2')).rejects.toMatchObject({ code: 'record-incomplete' })
  expect(await versionOf(project, 'desk')).toBe(1)
  await expect(promote(project, 'desk')).rejects.toThrow('desk has no candidate')
  expect(await promote(project, 'desk@2', { to: 'candidate' })).toMatchObject({ outcome: 'cannot-tell' })
  const waiver = 'the old one is down'
  expect(await promote(project, 'desk', { waiver })).toMatchObject({
    version: 2,
    outcome: 'cannot-tell',
    waiver,
  })
  const { moves } = await historyOperation.run(contextOf(project), { name: 'desk' })
  expect(moves.at(-1)).toMatchObject({ alias: 'champion', version: 2, outcome: 'cannot-tell', waiver })
  await expect(historyOperation.run(contextOf(project), { name: 'none' })).rejects.toThrow('registered: desk')
})

test('of two who register a name at once both get a version of their own or are told', async () => {
  const project = store.project('at-once')
  const outcomes = await Promise.allSettled([register(project, 'desk'), register(project, 'desk')])
  const made = outcomes.filter(({ status }) => status === 'fulfilled')
  expect(made.length).toBeGreaterThan(0)
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'conflict' })
  }
  const { entries } = await logOperation.run(contextOf(project), logOperation.input.parse({}))
  expect(entries.filter(({ action }) => action === 'register')).toHaveLength(made.length)
})

test('a record is shown whole, and a change in the log behind it is seen', async () => {
  const project = store.project('show')
  const { digest } = await register(project, 'desk')
  const show = () => showOperation.run(contextOf(project), { reference: 'desk' })
  const shown = await show()
  expect(shown).toMatchObject({ digest, signature: { seq: 1, principal: 'local', fault: null } })
  const text = showOperation.render!(showOperation.output.parse(shown), { colour: false, width: 80 })
  for (const words of [
    'desk v1, trained',
    'snapshot.consent: terms',
    'base.digests.tokenizer: t',
    'seeds: 1',
  ]) {
    expect(text).toContain(words)
  }
  await store.sql.executeSql('alter table audit_log disable trigger user')
  await store.sql.executeSql(`update audit_log set principal = 'eve' where project_id = 'show' and seq = 1`)
  await store.sql.executeSql('alter table audit_log enable trigger user')
  expect((await show()).signature?.fault).toBe('it was changed')
  const checked = await logOperation.run(contextOf(project), logOperation.input.parse({ verify: true }))
  expect(logOperation.outcome!(logOperation.output.parse(checked))).toBe('fail')
  expect(checked.verdict?.reason).toContain('the first broken entry is 1')
})

test('what was registered before there was a log has a version, and no signature', async () => {
  const project = store.project('before')
  const record = await makeRecord(project, { name: 'old' })
  const value = { ...record, version: 1, registeredAt: '2026-11-26T00:00:00.000Z' }
  const { digest } = await project.artifacts.put({ kind: 'registration', schemaVersion: 1, value })
  await project.aliases.set('adapter/old', digest)
  // What the migration does to a database that has registrations already.
  const names = auditLog.sql.slice(auditLog.sql.indexOf('insert into aliases'))
  await store.sql.executeSql(names)
  expect(await project.aliases.get('adapter/old@1')).toBe(digest)
  expect(await showOperation.run(contextOf(project), { reference: 'old' })).toMatchObject({ signature: null })
  expect((await historyOperation.run(contextOf(project), { name: 'old' })).moves).toEqual([])
  const next = await register(project, 'old')
  expect(next.registration.version).toBe(2)
})
