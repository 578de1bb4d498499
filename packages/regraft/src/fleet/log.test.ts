import { generateKeyPairSync, sign } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hashOfEntry } from '../store/index.ts'
import { openTestStore } from '../store/testing.ts'
import type { AuditEntry, NewAuditEntry, ProjectStore } from '../store/types.ts'
import { verifyChain } from './verify-log.ts'

let store: Awaited<ReturnType<typeof openTestStore>>
let projects = 0
beforeAll(async () => {
  store = await openTestStore()
})
afterAll(() => store.close())

const entry = (number: number): NewAuditEntry => ({
  ...{ principal: 'local', action: 'drill', about: 'desk', subject: `sha256:${number}` },
  details: { outcome: 'pass', number },
})

/** Five entries, and what an intruder does to the table who has dropped its triggers. */
async function logWith(change: (project: ProjectStore, run: (text: string) => Promise<unknown>) => unknown) {
  const project = store.project(`log-${++projects}`)
  for (let number = 1; number <= 5; number++) await project.audit.append([entry(number)])
  await store.sql.executeSql('alter table audit_log disable trigger user')
  await change(project, (text) =>
    store.sql.executeSql(text.replace('$where', `project_id = '${project.projectId}'`)),
  )
  await store.sql.executeSql('alter table audit_log enable trigger user')
  return await check(project)
}

async function check(project: ProjectStore, head?: string) {
  const { publicKey } = await project.keys.sign(new Uint8Array(0))
  return await verifyChain(project.audit.entries(), { projectId: project.projectId, publicKey, head })
}

test('a whole log is sound, and its rows can neither be changed nor removed', async () => {
  expect(await logWith(() => {})).toMatchObject({ sound: 5, broken: null, head: { seq: 5 } })
  for (const text of [
    "update audit_log set principal = 'other'",
    'delete from audit_log',
    'truncate audit_log',
  ]) {
    await expect(store.sql.executeSql(text)).rejects.toThrow('the audit log is append-only')
  }
})

test('an entry that was changed is named, whatever of it was', async () => {
  for (const [column, value] of [
    ['principal', "'eve'"],
    ['at', "at + interval '1 hour'"],
    ['action', "'register'"],
    ['about', "'other'"],
    ['subject', 'null'],
    ['details', `'{"outcome":"fail"}'::json`],
    ['previous', "'sha256:0'"],
    ['hash', "'sha256:0'"],
  ]) {
    const found = await logWith((_, run) =>
      run(`update audit_log set ${column} = ${value} where $where and seq = 3`),
    )
    expect(found, column).toMatchObject({ sound: 2, broken: { seq: 3 } })
  }
})

test('a changed entry whose hash was made anew breaks by its signature, and the next one by its predecessor', async () => {
  const found = await logWith(async (project, run) => {
    const third = (await project.audit.list())[2]!
    const forged = { ...third, principal: 'eve' }
    const hash = hashOfEntry(project.projectId, forged)
    await run(`update audit_log set principal = 'eve', hash = '${hash}' where $where and seq = 3`)
  })
  expect(found.broken).toEqual({ seq: 3, reason: expect.stringContaining('its signature does not fit') })
})

test('removed, reordered and foreign entries are named', async () => {
  const removed = await logWith((_, run) => run('delete from audit_log where $where and seq = 2'))
  expect(removed.broken).toEqual({ seq: 2, reason: 'it is missing: number 3 comes next' })
  const closed = await logWith(async (_, run) => {
    await run('delete from audit_log where $where and seq = 2')
    await run('update audit_log set seq = seq - 1 where $where and seq > 2')
  })
  expect(closed.broken?.seq).toBe(2)
  const reordered = await logWith(async (_, run) => {
    await run('update audit_log set seq = 99 where $where and seq = 2')
    await run('update audit_log set seq = 2 where $where and seq = 3')
    await run('update audit_log set seq = 3 where $where and seq = 99')
  })
  expect(reordered.broken?.seq).toBe(2)
  const appended = await logWith(async (project, run) => {
    const last = (await project.audit.list()).at(-1)!
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const forged = { ...entry(6), seq: 6, at: last.at, previous: last.hash }
    const hash = hashOfEntry(project.projectId, forged)
    const pem = publicKey.export({ type: 'spki', format: 'pem' })
    const signature = sign(null, Buffer.from(hash), privateKey).toString('base64')
    await run(`insert into audit_log select project_id, 6, at, principal, action, about, 'sha256:6',
      '{"outcome":"pass","number":6}'::json, hash, '${hash}', '${pem}', '${signature}'
      from audit_log where $where and seq = 5`)
  })
  expect(appended.broken).toEqual({ seq: 6, reason: expect.stringContaining('with a key that is not') })
})

test('a log whose end was cut off looks whole, unless a hash of it was kept elsewhere', async () => {
  let kept: AuditEntry | undefined
  const cut = await logWith(async (project, run) => {
    kept = (await project.audit.list()).at(-1)!
    expect(await check(project, kept.hash.slice(0, 23))).toMatchObject({ headFound: true, broken: null })
    await run('delete from audit_log where $where and seq > 3')
  })
  expect(cut).toMatchObject({ sound: 3, broken: null, headFound: null })
  const project = store.project(`log-${projects}`)
  expect(await check(project, kept!.hash)).toMatchObject({ sound: 3, headFound: false })
})

test('aliases move with an entry or not at all, and only from where they were expected', async () => {
  const project = store.project('moves')
  const move = { name: 'adapter/desk', digest: 'sha256:1', expected: null }
  await project.audit.append([entry(1)], [move])
  const taken = project.audit.append([entry(2)], [{ ...move, name: 'adapter/desk@2' }, move])
  await expect(taken).rejects.toMatchObject({ code: 'conflict' })
  expect(await project.aliases.get('adapter/desk@2')).toBeNull()
  expect(await project.audit.list()).toHaveLength(1)
  await project.audit.append([entry(2), entry(3)], [{ ...move, digest: 'sha256:2', expected: 'sha256:1' }])
  expect(await project.aliases.get('adapter/desk')).toBe('sha256:2')
  expect(await check(project)).toMatchObject({ sound: 3, broken: null })
})

test('appends at once follow one another', async () => {
  const project = store.project('at-once')
  await Promise.all(Array.from({ length: 20 }, (_, number) => project.audit.append([entry(number)])))
  expect(await check(project)).toMatchObject({ sound: 20, broken: null })
  expect([...(await project.audit.lastSeen()).keys()]).toEqual(['local'])
})
