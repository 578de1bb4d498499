// Several servers append to one chain at once.
import { afterAll, expect, test } from 'vitest'
import { verifyChain } from '../../packages/regraft/src/fleet/verify-log.ts'
import { openStore } from '../../packages/regraft/src/store/index.ts'
import { type TestEngine, testEngines } from '../../packages/regraft/src/store/testing.ts'

const [, postgres] = (await testEngines()) as [TestEngine, TestEngine?]
const skipped = postgres ? postgres.skipped : 'REGRAFT_TEST_POSTGRES is not set'
afterAll(() => postgres?.stop())

test.skipIf(skipped !== null)(
  `entries of three servers follow one another${skipped ? ` (SKIPPED: ${skipped})` : ''}`,
  async () => {
    const options = await postgres!.options()
    const servers = await Promise.all([openStore(options), openStore(options), openStore(options)])
    const entry = (server: number, number: number) => ({
      ...{ principal: `server-${server}`, action: 'drill' as const, about: 'desk', subject: null },
      details: { number },
    })
    const appended = await Promise.all(
      servers.flatMap((server, index) =>
        Array.from({ length: 40 }, (_, number) =>
          server.project('default').audit.append([entry(index, number), entry(index, number)]),
        ),
      ),
    )
    const numbers = appended.flat().map(({ seq }) => seq)
    expect(new Set(numbers).size).toBe(240)
    const project = servers[0]!.project('default')
    const { publicKey } = await project.keys.sign(new Uint8Array(0))
    const found = await verifyChain(project.audit.entries(), { projectId: 'default', publicKey })
    expect(found).toMatchObject({ sound: 240, broken: null, head: { seq: 240 } })
    expect((await project.audit.lastSeen()).size).toBe(3)
    const times = (await project.audit.list()).map(({ at }) => at.getTime())
    expect(times).toEqual(times.toSorted((a, b) => a - b))

    // Of several that move an alias from the same place, one does.
    const moves = await Promise.allSettled(
      servers.map((server, index) =>
        server
          .project('default')
          .audit.append(
            [entry(index, 0)],
            [{ name: 'adapter/desk', digest: `sha256:${index}`, expected: null }],
          ),
      ),
    )
    expect(moves.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await project.audit.list()).toHaveLength(241)
    await Promise.all(servers.map((server) => server.close()))
  },
)
