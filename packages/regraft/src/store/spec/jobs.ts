import { expect, test } from 'vitest'
import type { SpecContext } from './fixtures.ts'

export function jobsSpec({ store, project }: SpecContext): void {
  const job = { operation: 'import', input: { file: 'a\0.csv' }, principal: 'local' }

  test('a job is created once per idempotency key', async () => {
    const { jobs } = project()
    const created = await jobs.create({ ...job, idempotencyKey: 'k' })
    expect(created).toMatchObject({
      ...job,
      state: 'queued',
      attempts: 0,
      cancelRequested: false,
      result: null,
    })
    expect(await jobs.create({ ...job, input: 'other', idempotencyKey: 'k' })).toEqual(created)
    expect((await jobs.create(job)).id).not.toBe((await jobs.create(job)).id)
    expect(await jobs.list()).toHaveLength(3)
    expect(await jobs.get('no id')).toBeNull()
  })

  test('of many runners that claim a job at once, one gets it', async () => {
    const { jobs } = project()
    const { id } = await jobs.create(job)
    const claims = await Promise.all(
      Array.from({ length: 12 }, (_, runner) => jobs.claim(id, `runner-${runner}`)),
    )
    const [claimed, ...rest] = claims.filter((claim) => claim !== null)
    expect(rest).toEqual([])
    expect(claimed).toMatchObject({ id, state: 'running', attempts: 1 })
    expect(claimed?.startedAt).toBeInstanceOf(Date)
  })

  test('a job whose runner is gone goes back into the queue, others do not', async () => {
    const { jobs } = project()
    const [lost, alive] = [await jobs.create(job), await jobs.create(job)]
    await jobs.claim(lost.id, 'dead')
    await jobs.claim(alive.id, 'alive')
    expect(await jobs.requeueOrphans(['alive'])).toEqual([lost.id])
    expect(await jobs.claim(lost.id, 'alive')).toMatchObject({ attempts: 2 })
    expect(await jobs.claim(alive.id, 'other')).toBeNull()
  })

  test('a job ends once, with its result, and keeps its progress', async () => {
    const { jobs } = project()
    const { id } = await jobs.create(job)
    await jobs.claim(id, 'runner')
    await jobs.setProgress(id, { done: 3, of: 10 })
    await jobs.requestCancel(id)
    expect(await jobs.get(id)).toMatchObject({ progress: { done: 3, of: 10 }, cancelRequested: true })
    await jobs.finish(id, { state: 'succeeded', result: { rows: 10 } })
    expect(await jobs.list({ state: 'succeeded' })).toMatchObject([{ id, result: { rows: 10 }, error: null }])
    await expect(jobs.finish(id, { state: 'failed' })).rejects.toMatchObject({ code: 'conflict' })
    expect(await jobs.list({ state: 'running' })).toEqual([])
  })

  test('events are numbered from 1 without gaps, and are read after a number', async () => {
    const { jobs } = project()
    const { id } = await jobs.create(job)
    const numbers = await Promise.all(Array.from({ length: 20 }, (_, at) => jobs.appendEvent(id, { at })))
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
    const after = await jobs.events(id, 17)
    expect(after.map(({ seq }) => seq)).toEqual([18, 19, 20])
    expect(after[0]?.at).toBeInstanceOf(Date)
    await expect(jobs.appendEvent('018f0000-0000-7000-8000-000000000000', {})).rejects.toMatchObject({
      code: 'not-found',
    })
  })

  test('an API key is accepted until it is revoked, and is not stored', async () => {
    const { apiKeys } = project()
    const { key, record } = await apiKeys.create('laptop', ['read', 'write'])
    expect(await apiKeys.verify(key)).toEqual(record)
    expect(await apiKeys.verify(`${key}x`)).toBeNull()
    const { rows } = await store().sql.executeSql(
      'select api_keys::text as text from api_keys where id = $1',
      [record.id],
    )
    expect(rows[0]?.text).toContain('laptop')
    expect(rows[0]?.text).not.toContain(key)
    await apiKeys.revoke(record.id)
    expect(await apiKeys.verify(key)).toBeNull()
    expect((await apiKeys.list())[0]?.revokedAt).toBeInstanceOf(Date)
    await expect(apiKeys.revoke('no id')).rejects.toMatchObject({ code: 'not-found' })
  })

  test('SQL of the job queue runs statement lists, and a failed one leaves no transaction open', async () => {
    const { sql } = store()
    const results = await sql.executeSql(`begin; select 1 as one; select 'two' as two; commit`)
    expect(results.rows).toEqual([{ one: 1 }, { two: 'two' }])
    await expect(sql.executeSql('begin; select 1 / 0; commit')).rejects.toMatchObject({ code: '22012' })
    const values = await sql.executeSql(
      'select count(*) as count, $1::bytea as bytes, $2::timestamptz as at, $3::jsonb as json from (values (1), (2)) v',
      [Buffer.from([0, 1]), new Date(5), { a: [1] }],
    )
    expect(values.rows).toEqual([{ count: 2, bytes: Buffer.from([0, 1]), at: new Date(5), json: { a: [1] } }])
  })
}
