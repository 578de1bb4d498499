import { afterAll, beforeAll, expect, test } from 'vitest'
import { Config } from '../../config/index.ts'
import type { SnapshotManifest } from '../../datasets/index.ts'
import type { Fingerprint } from '../../models/index.ts'
import { BUNDLED_PATH, fingerprintAlias } from '../../models/index.ts'
import { openTestStore } from '../../store/testing.ts'
import type { ProjectStore } from '../../store/types.ts'
import type { Verdict } from '../../verdict/index.ts'
import { checkOperation } from '../check.ts'
import { enroll } from '../enroll.ts'
import { contextOf, makeRecord } from '../fixtures/fleet.ts'
import { listOperation } from '../list.ts'
import { logDrill } from '../log-drill.ts'
import { type RegisteredAdapter, requireRegistration } from '../registration.ts'
import { assessFleet } from './fleet.ts'

const DAY = 86_400_000
const SIZE = 22
const later = (days: number) => new Date(Date.now() + days * DAY)
const day = (days: number) => later(days).toISOString().slice(0, 10)
const name = (number: number) => `skill-${String(number).padStart(2, '0')}`

let store: Awaited<ReturnType<typeof openTestStore>>
let project: ProjectStore
const bases = Object.fromEntries(
  Array.from({ length: SIZE }, (_, number) => [`base-${number}`, { path: BUNDLED_PATH }]),
)

beforeAll(async () => {
  store = await openTestStore()
  project = store.project('fleet')
  for (let number = 0; number < SIZE; number++) {
    const record = await makeRecord(project, {
      ...{
        name: name(number),
        baseName: `base-${number}`,
        owner: `owner-${number}`,
        deputy: 'deputy',
        rows: 2,
      },
      occurredAt: later(-number),
    })
    const hosted = { ...record, origin: 'adopted' as const, base: await hostedBase() }
    await enroll(contextOf(project), { record: number === 1 ? hosted : record, as: 'champion', waiver: null })
  }
})
afterAll(() => store.close())

const answers = (text: string) =>
  Array.from({ length: 24 }, (_, probe) => [probe, probe, probe].map((n) => text + n))
const putFingerprint = async (text: string) => {
  const value: Fingerprint = {
    ...{
      measures: 'fingerprint',
      upstream: 'cloud',
      model: 'large',
      probes: 1,
      askedAt: '2026-11-27T00:00:00Z',
    },
    answers: answers(text),
  }
  return (await project.artifacts.put({ kind: 'measurement', schemaVersion: 1, value })).digest
}
async function hostedBase() {
  const fingerprint = await putFingerprint('as before')
  const base = { name: 'cloud/large', upstream: 'cloud', model: 'large', fingerprint }
  const { digest } = await project.artifacts.put({
    kind: 'base',
    schemaVersion: 1,
    value: { ...base, format: 'hosted' },
  })
  return { kind: 'hosted' as const, artifact: digest, ...base }
}

/** Everything that is red, as 'skill-03 rows'. */
async function redOf(given: object = {}, now = later(0)): Promise<string[]> {
  const config = Config.parse({ bases, ...given })
  const members = await assessFleet({ store: project, config }, { now })
  return members
    .flatMap((member) =>
      member.conditions.flatMap(({ red, condition }) => (red ? `${member.name} ${condition}` : [])),
    )
    .sort()
}
async function drill(
  where: ProjectStore,
  { digest, registration: { adapter } }: RegisteredAdapter,
  verdict: Pick<Verdict, 'outcome' | 'finding'>,
  at = new Date(),
): Promise<void> {
  const value = { drill: 'rebuild', at: at.toISOString(), adapter, registration: digest, verdict }
  await where.artifacts.put({ kind: 'verdict', schemaVersion: 1, value })
}
const found = (number: number): Promise<RegisteredAdapter> => requireRegistration(project, name(number))
async function firstRow(number: number): Promise<string> {
  const { registration } = await found(number)
  const manifest = await project.artifacts.read<SnapshotManifest>(registration.snapshot!.artifact)
  return manifest.rows[0]!.id
}

test('an intact fleet of 22 has no red condition; what the configuration says is found at each adapter alone', async () => {
  expect(await redOf()).toEqual([])
  expect(
    await redOf({
      people: { 'owner-3': { left: day(0) }, deputy: { left: day(-9) } },
      bases: {
        ...Object.fromEntries(Object.entries(bases).filter(([base]) => base !== 'base-6')),
        'base-4': { path: BUNDLED_PATH, endOfLife: day(89) },
        'base-5': { path: '/nowhere/at/all' },
        'base-7': { path: BUNDLED_PATH, endOfLife: day(90) },
      },
      // Rows of skill 21 are 21 days old: they go in 89 days, one day before the next drill.
      sources: { serving: { retentionDays: 110 }, trace: { retentionDays: 1 } },
      upstreams: {
        cloud: { url: 'http://127.0.0.1:1/v1', models: ['large'], endOfLife: { large: day(10) } },
      },
    }),
  ).toEqual([
    'skill-01 end-of-life',
    'skill-03 owner',
    'skill-04 end-of-life',
    'skill-05 inputs',
    'skill-06 inputs',
    'skill-21 retention',
  ])
})

test('each fault in the store is found, alone, where it was planted, and fleet list puts it first', async () => {
  await project.examples.remove([await firstRow(7)], { force: true })
  await store.sql.executeSql(`update examples set digest = 'sha256:0' where id = '${await firstRow(8)}'`)
  // A row whose end user's key is gone.
  const subject = 'a'.repeat(64)
  await store.sql.executeSql(`update examples set subject = '${subject}' where id = '${await firstRow(9)}'`)
  await project.artifacts.remove((await found(10)).registration.snapshot!.artifact)
  await project.artifacts.remove((await found(11)).registration.recipe!)
  const { files } = await project.artifacts.read<{ files: { digest: string }[] }>(
    (await found(12)).registration.adapter,
  )
  await project.blobs.remove(files[0]!.digest)
  await drill(project, await found(13), { outcome: 'fail', finding: 'IMPOSSIBLE' })
  await project.aliases.set(fingerprintAlias('cloud/large'), await putFingerprint('another model'))

  const context = contextOf(project, { config: Config.parse({ bases }) })
  const { adapters } = await listOperation.run(context, {})
  const checked = checkOperation.output.parse(await checkOperation.run(context, {}))
  const red = checked.adapters.flatMap((member) =>
    member.conditions.flatMap((one) => (one.red ? `${member.name} ${one.condition}` : [])),
  )
  expect(red.sort()).toEqual([
    'skill-01 fingerprint',
    ...[7, 8, 9, 10].map((number) => `${name(number)} rows`),
    ...[11, 12].map((number) => `${name(number)} inputs`),
    'skill-13 drill',
  ])
  expect(adapters[0]).toMatchObject({ name: name(7), red: 1, daysToUnrebuildable: 0 })
  expect(adapters.slice(0, 8).map(({ name: skill }) => skill)).toEqual([7, 8, 9, 10, 11, 12, 1, 13].map(name))
  const shown = listOperation.render!(listOperation.output.parse({ adapters }), { colour: false, width: 100 })
  expect(shown).toContain('skill-07: 1 of 2 training rows are gone')
  expect(checkOperation.outcome!(checked)).toBe('fail')
  expect(checked.verdict.parts!.filter(({ outcome }) => outcome === 'fail')).toHaveLength(8)
  const one = checkOperation.output.parse(await checkOperation.run(context, { name: name(0) }))
  expect(checkOperation.outcome!(one)).toBe('pass')
  expect(checkOperation.render!(one, { colour: false, width: 100 })).toContain('all 2 rows are there')
  await expect(checkOperation.run(context, { name: 'none' })).rejects.toMatchObject({ code: 'not-found' })
  const empty = await checkOperation.run(contextOf(store.project('empty')), {})
  expect(checkOperation.outcome!(checkOperation.output.parse(empty))).toBe('cannot-tell')
})

test('a drill resets the clock, a key that bears a name is a sign of life, a slow migration lengthens the lead', async () => {
  const other = store.project('signs')
  const record = await makeRecord(other, { name: 'desk', owner: 'ada' })
  const made = await enroll(contextOf(other), { record, as: 'champion', waiver: null })
  const assess = async (now: Date, given: object = {}) => {
    const [member] = await assessFleet({ store: other, config: Config.parse(given) }, { now })
    return member!.conditions.flatMap(({ red, condition }) => (red ? condition : []))
  }
  expect(await assess(later(91))).toEqual(['owner', 'drill'])
  await drill(other, made, { outcome: 'pass', finding: 'REPRODUCED' }, later(2))
  expect(await assess(later(92))).toEqual(['owner'])
  expect(await assess(later(93))).toEqual(['owner', 'drill'])
  // As an entry of two days from now would have left it.
  const { record: key } = await other.apiKeys.create('ada', ['write'])
  const end = { record: 'sha256:d', verdict: { outcome: 'pass' } } as const
  const ada = { ...contextOf(other), principal: { id: key.id, scopes: [] } }
  await logDrill(ada, made, { ...end, action: 'drill', seconds: 5 })
  await store.sql.executeSql('alter table audit_log disable trigger user')
  const move = "update audit_log set at = at + interval '2 days'"
  await store.sql.executeSql(`${move} where project_id = 'signs' and action = 'drill'`)
  await store.sql.executeSql('alter table audit_log enable trigger user')
  expect(await assess(later(92))).toEqual([])
  expect(await assess(later(93))).toEqual(['owner', 'drill'])

  const ending = { bases: { 'regraft-nano': { path: BUNDLED_PATH, endOfLife: day(100) } } }
  expect(await assess(later(0), ending)).toEqual([])
  // 2 × (30 + 14 + 14) = 116 days.
  await logDrill(contextOf(other), made, { ...end, action: 'migrate', seconds: 30 * 86_400 })
  expect(await assess(later(0), ending)).toEqual(['end-of-life'])
})
