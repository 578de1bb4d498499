import { afterAll, beforeAll, expect, test } from 'vitest'
import { Config } from '../config/index.ts'
import { enroll } from '../fleet/enroll.ts'
import { contextOf, makeRecord } from '../fleet/fixtures/fleet.ts'
import { promoteOperation } from '../fleet/promote.ts'
import { openTestStore } from '../store/testing.ts'
import { ServedModels } from './served-models.ts'

let store: Awaited<ReturnType<typeof openTestStore>>
beforeAll(async () => {
  store = await openTestStore()
})
afterAll(() => store.close())

test('a name is answered by its champion, name@candidate and name@2 by what they say, at once after a promotion', async () => {
  const project = store.project('served')
  const models = new ServedModels(Config.parse({}))
  const register = async (as: 'champion' | 'candidate' | null) => {
    const record = { ...(await makeRecord(project, { name: 'desk' })), routes: ['front'] }
    return (await enroll(contextOf(project), { record, as, waiver: null })).registration.adapter
  }
  const [first, second, third] = [
    await register('champion'),
    await register('candidate'),
    await register(null),
  ]
  const served = async (id: string) => (await models.find(project, id))?.reference.adapter
  const names = async () => (await models.list(project)).map(({ id }) => id)
  expect(await names()).toEqual(['desk', 'front', 'desk@candidate', 'regraft-nano'])
  expect([await served('desk'), await served('front'), await served('desk@champion')]).toEqual([
    first,
    first,
    first,
  ])
  expect(await served('desk@candidate')).toBe(second)
  expect((await models.require(project, 'desk@3')).reference.adapter).toBe(third)
  await expect(models.require(project, 'desk@4')).rejects.toMatchObject({ code: 'not-found' })

  const promote = promoteOperation.input.parse({ reference: 'desk' })
  await promoteOperation.run(contextOf(project), promote)
  expect([await served('desk'), await served('front'), await served('desk@1')]).toEqual([
    second,
    second,
    first,
  ])
  expect(await names()).toEqual(['desk', 'front', 'regraft-nano'])
})

test('an adapter whose base is hosted or absent is not served', async () => {
  const project = store.project('elsewhere')
  const record = await makeRecord(project, { name: 'found' })
  const base = { kind: 'absent' as const, artifact: record.base.artifact, name: 'org/model', revision: null }
  const adopted = { ...record, origin: 'adopted' as const, base, missing: [] }
  await enroll(contextOf(project), { record: adopted, as: 'champion', waiver: null })
  const value = { name: 'org/model', format: 'absent', revision: null }
  await project.artifacts.put({ kind: 'base', schemaVersion: 1, value })
  const names = (await new ServedModels(Config.parse({})).list(project)).map(({ id }) => id)
  expect(names).toEqual(['regraft-nano'])
})
