import { readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openStore, type Store, type StoreOptions } from './open.ts'
import { artifactsSpec } from './spec/artifacts.ts'
import { inference } from './spec/fixtures.ts'
import { jobsSpec } from './spec/jobs.ts'
import { rowsSpec } from './spec/rows.ts'
import { tracesSpec } from './spec/traces.ts'
import { testEngines } from './testing.ts'

for (const engine of await testEngines()) {
  const name = engine.skipped === null ? engine.name : `${engine.name}: SKIPPED, ${engine.skipped}`
  describe.skipIf(engine.skipped !== null)(name, () => {
    let options: StoreOptions
    let store: Store
    let projects = 0
    const context = { store: () => store, project: () => store.project(`test-${++projects}`) }

    beforeAll(async () => {
      options = await engine.options()
      store = await openStore(options)
    })
    afterAll(async () => {
      await store.close()
      await engine.stop()
    })

    describe('rows', () => rowsSpec(context))
    describe('artifacts', () => artifactsSpec(context))
    describe('jobs', () => jobsSpec(context))
    describe('traces', () => tracesSpec({ ...context, options: () => options }))

    test('a store that is closed and opened again holds what it held, without unfinished blobs', async () => {
      const { projectId, inferences, blobs } = context.project()
      await blobs.put(Buffer.from('whole'))
      const incoming = join(options.dataDirectory, 'blobs', projectId, 'incoming')
      writeFileSync(join(incoming, 'unfinished'), 'half')
      utimesSync(join(incoming, 'unfinished'), 0, 0)
      const row = inference('still here')
      await inferences.insert([row])
      await store.close()
      store = await openStore(options)
      expect(await store.project(projectId).inferences.count({ ids: [row.id] })).toBe(1)
      expect(readdirSync(incoming)).toEqual([])
    })

    test('closing twice is closing once, and a closed store answers nothing', async () => {
      const other = await openStore(await engine.options())
      await Promise.all([other.close(), other.close()])
      await expect(other.project('default').inferences.count()).rejects.toThrow()
    })

    test('a database of a newer regraft is refused', async () => {
      await store.sql.executeSql(`insert into regraft_migrations values ('9999-future', now()::text)`)
      await store.close()
      await expect(openStore(options)).rejects.toMatchObject({ code: 'incompatible' })
      options = await engine.options()
      store = await openStore(options)
    })

    if (engine.name === 'Postgres') {
      test('a watermark waits for an insertion in flight, whose row has a lower number than stored ones', async () => {
        const { inferences, projectId } = context.project()
        await inferences.insert([inference('first')])
        const slow = new pg.Client({ connectionString: options.databaseUrl })
        await slow.connect()
        await slow.query('begin')
        await slow.query(
          `insert into inferences (project_id, id, digest, schema_version, payload, payload_index, occurred_at)
           select project_id, gen_random_uuid(), digest, schema_version, payload, payload_index, occurred_at
           from inferences where project_id = $1`,
          [projectId],
        )
        await inferences.insert([inference('quick')])
        const watermark = inferences.watermark()
        expect(await Promise.race([watermark, delay(300, 'waiting')])).toBe('waiting')
        await slow.query('commit')
        await slow.end()
        expect(await inferences.count({ watermark: await watermark })).toBe(3)
      })

      test('two servers open an empty database at once, and one of them gets each job', async () => {
        const shared = await engine.options()
        const servers = await Promise.all([openStore(shared), openStore(shared)])
        const [one, two] = servers.map((server) => server.project('default').jobs)
        const ids: string[] = []
        for (let job = 0; job < 20; job++) {
          ids.push((await one!.create({ operation: 'import', input: job, principal: 'local' })).id)
        }
        const claims = await Promise.all(ids.flatMap((id) => [one!.claim(id, 'one'), two!.claim(id, 'two')]))
        expect(
          claims
            .filter((claim) => claim !== null)
            .map(({ id }) => id)
            .sort(),
        ).toEqual(ids.sort())
        await Promise.all(servers.map((server) => server.close()))
      })
    }
  })
}
