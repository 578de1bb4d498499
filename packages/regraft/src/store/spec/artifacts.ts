import { createHash } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import { expect, test } from 'vitest'
import type { Execution } from '../types.ts'
import { collect, NOON, type SpecContext } from './fixtures.ts'

export function artifactsSpec({ store, project }: SpecContext): void {
  test('an artifact is stored once, as canonical bytes under the digest that their framing gives', async () => {
    const { artifacts } = project()
    const value = { b: [1, 'é\0'], a: 1.0, absent: undefined }
    const stored = await artifacts.put({ kind: 'recipe', schemaVersion: 2, value })
    const canonical = '{"a":1,"b":[1,"é\\u0000"]}'
    const digest = createHash('sha256').update(`recipe\0${2}\0${canonical}`, 'utf8').digest('hex')
    expect(stored).toMatchObject({
      digest: `sha256:${digest}`,
      kind: 'recipe',
      schemaVersion: 2,
      firstExecution: null,
    })
    expect(stored.size).toBe(Buffer.byteLength(canonical))
    const { bytes } = await artifacts.readBytes(stored.digest)
    expect(Buffer.from(bytes).toString('utf8')).toBe(canonical)
    expect(await artifacts.read(stored.digest)).toEqual({ a: 1, b: [1, 'é\0'] })
    expect(await artifacts.put({ kind: 'recipe', schemaVersion: 2, value: { a: 1, b: [1, 'é\0'] } })).toEqual(
      stored,
    )
    expect(await artifacts.list()).toHaveLength(1)
    const otherKind = await artifacts.put({ kind: 'run', schemaVersion: 2, value })
    expect(otherKind.digest).not.toBe(stored.digest)
    expect(await artifacts.list('run')).toEqual([otherKind])
  })

  test('an artifact whose bytes were changed in the database is not read', async () => {
    const { artifacts } = project()
    const { digest } = await artifacts.put({ kind: 'recipe', schemaVersion: 1, value: { rank: 8 } })
    await store().sql.executeSql(`update artifacts set bytes = '{"rank":9}' where digest = $1`, [digest])
    await expect(artifacts.read(digest)).rejects.toMatchObject({ code: 'digest-mismatch' })
    await expect(artifacts.read(`sha256:${'0'.repeat(64)}`)).rejects.toMatchObject({ code: 'not-found' })
  })

  test('an alias or an unambiguous prefix resolves, and an ambiguous one lists the candidates', async () => {
    const { artifacts, aliases } = project()
    const [one, two] = [
      await artifacts.put({ kind: 'adapter', schemaVersion: 1, value: 1 }),
      await artifacts.put({ kind: 'adapter', schemaVersion: 1, value: 2 }),
    ]
    await aliases.set('tickets/champion', one.digest)
    expect(await artifacts.resolve('tickets/champion')).toEqual(one)
    expect(await artifacts.resolve(two.digest)).toEqual(two)
    expect(await artifacts.resolve(two.digest.slice('sha256:'.length, 19))).toEqual(two)
    await expect(artifacts.resolve('abcde')).rejects.toMatchObject({ code: 'not-found' })
    await expect(artifacts.resolve('%%%%%%')).rejects.toMatchObject({ code: 'not-found' })
    // Digests that share a beginning cannot be made at will, so one is planted.
    const twin = `${one.digest.slice(0, 20)}${'f'.repeat(51)}`
    await store().sql.executeSql('update artifacts set digest = $1 where digest = $2', [twin, two.digest])
    await expect(artifacts.resolve(one.digest.slice(0, 20))).rejects.toMatchObject({
      code: 'conflict',
      details: { digests: expect.arrayContaining([one.digest, twin]) },
    })
    await expect(aliases.set('deadbeef', one.digest)).rejects.toMatchObject({ code: 'invalid-input' })
  })

  test('artifacts are found by members of their value', async () => {
    const { artifacts } = project()
    const values = [
      { path: 'a', query: {} },
      { path: 'a', query: { from: 'noon\0' } },
      { path: 'b', query: {} },
    ]
    const [one, two] = [
      await artifacts.put({ kind: 'file', schemaVersion: 1, value: values[0] }),
      await artifacts.put({ kind: 'file', schemaVersion: 1, value: values[1] }),
      await artifacts.put({ kind: 'file', schemaVersion: 1, value: values[2] }),
      await artifacts.put({ kind: 'run', schemaVersion: 1, value: values[0] }),
    ]
    expect(await artifacts.find('file', { path: 'a', query: {} })).toEqual([one, two])
    expect(await artifacts.find('file', { query: { from: 'noon\0' } })).toEqual([two])
    expect(await artifacts.find('file', { path: null })).toEqual([])
    expect(await project().artifacts.find('file', { path: 'a' })).toEqual([])
  })

  test('aliases move, are listed by prefix and go', async () => {
    const { aliases } = project()
    await aliases.set('routes/a', 'sha256:1')
    await aliases.set('routes/b', 'sha256:2')
    await aliases.set('routes/a', 'sha256:3')
    await aliases.set('other_', 'sha256:4')
    expect(await aliases.list('routes/')).toMatchObject([
      { name: 'routes/a', digest: 'sha256:3' },
      { name: 'routes/b', digest: 'sha256:2' },
    ])
    await aliases.remove('routes/a')
    expect(await aliases.get('routes/a')).toBeNull()
    expect(await aliases.list()).toHaveLength(2)
  })

  test('pinned rows come back in the order in which they were pinned', async () => {
    const { artifacts } = project()
    const rows = Array.from({ length: 1100 }, (_, index) => ({
      id: uuidv7(),
      digest: `sha256:${index}`,
      split: index % 5 === 0 ? 'validation' : 'train',
    })).toReversed()
    const { digest } = await artifacts.put({ kind: 'snapshot', schemaVersion: 1, value: { count: 1100 } })
    await artifacts.pinRows(digest, rows.slice(0, 700))
    await artifacts.pinRows(digest, rows.slice(650, 700))
    await artifacts.pinRows(digest, rows.slice(690))
    expect(await collect(artifacts.pinnedRows(digest))).toEqual(rows)
    expect(await artifacts.snapshotsOfRows([rows[3]!.id, 'no id'])).toEqual([digest])
    await artifacts.remove(digest)
    expect(await artifacts.get(digest)).toBeNull()
    expect(await artifacts.snapshotsOfRows([rows[3]!.id])).toEqual([])
  })

  test('an execution comes back whole, newest first by its key, and makers are told from later twins', async () => {
    const { artifacts, executions } = project()
    const [source, adapter] = [
      await artifacts.put({ kind: 'snapshot', schemaVersion: 1, value: 's' }),
      await artifacts.put({ kind: 'adapter', schemaVersion: 1, value: 'a' }),
    ]
    const train: Execution = {
      id: uuidv7(),
      step: 'training.run',
      version: 3,
      determinism: 'seeded',
      stepKey: 'sha256:key',
      parameters: { z: 1, a: { lr: 2e-4, note: '\0' } },
      seed: 7,
      inputs: [
        { role: 'snapshot', digest: source.digest },
        { role: 'base', digest: 'sha256:base' },
      ],
      outputs: [{ role: 'adapter', digest: adapter.digest }],
      environment: { node: 'v24' },
      startedAt: NOON,
      finishedAt: new Date(NOON.getTime() + 1500),
    }
    await executions.record(train)
    const again = { ...train, id: uuidv7() }
    await executions.record(again)
    expect(await executions.get(train.id)).toEqual(train)
    expect(Object.keys((await executions.get(train.id))!.parameters as object)).toEqual(['a', 'z'])
    expect(await executions.findByStepKey('sha256:key')).toEqual(again)
    expect(await executions.findByStepKey('sha256:other')).toBeNull()
    expect(await executions.producing(adapter.digest)).toEqual([train, again])
    expect(await executions.consuming('sha256:base')).toEqual([train, again])
    expect((await artifacts.get(adapter.digest))?.firstExecution).toBe(train.id)
    // A step that gives back the snapshot's bytes did not make the snapshot: it was read before.
    await executions.record({ ...train, id: uuidv7(), outputs: [{ role: 'copy', digest: source.digest }] })
    expect((await artifacts.get(source.digest))?.firstExecution).toBeNull()
    // The maker is remembered when the artifact is gone, and when the same bytes come back.
    await artifacts.remove(adapter.digest)
    expect((await executions.makerOf(adapter.digest))?.id).toBe(train.id)
    expect((await artifacts.put({ kind: 'adapter', schemaVersion: 1, value: 'a' })).firstExecution).toBe(
      train.id,
    )
  })

  test('the ledger keeps the first answer to a request, and locations remember files in place', async () => {
    const { responses, locations } = project()
    const answer = Uint8Array.of(0, 255, 10)
    expect(await responses.get('sha256:request', 0)).toBeNull()
    expect(await responses.put('sha256:request', 0, answer)).toEqual(answer)
    expect(await responses.put('sha256:request', 0, Uint8Array.of(1))).toEqual(answer)
    expect(await responses.get('sha256:request', 1)).toBeNull()
    const file = { digest: 'sha256:base', path: '/models/base.gguf', size: 3_000_000_000, modifiedAt: NOON }
    await locations.set({ ...file, size: 1 })
    await locations.set(file)
    expect(await locations.find('sha256:base')).toEqual([file])
    await locations.remove('sha256:base', file.path)
    expect(await locations.find('sha256:base')).toEqual([])
  })
}
