import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { v7 as uuidv7 } from 'uuid'
import { expect, test } from 'vitest'
import type { StoreOptions } from '../open.ts'
import type { ProjectStore } from '../types.ts'
import { collect, inference, NOON, type SpecContext } from './fixtures.ts'

export function tracesSpec({ project, options }: SpecContext & { options: () => StoreOptions }): void {
  test('texts beside the rows are listed, and kept answers and ended jobs are cleared', async () => {
    const { artifacts, audit, executions, jobs, responses, traces } = project()
    const value = { words: 'plover in an artifact' }
    const { digest } = await artifacts.put({ kind: 'file', schemaVersion: 1, value })
    await executions.record({
      ...{
        id: uuidv7(),
        step: 'x',
        version: 1,
        determinism: 'external',
        stepKey: 'k',
        inputs: [],
        outputs: [],
      },
      ...{ parameters: { a: 'plover in parameters' }, environment: {}, startedAt: NOON, finishedAt: NOON },
    })
    const job = await jobs.create({ operation: 'x', input: { a: 'plover in an input' }, principal: 'p' })
    await jobs.appendEvent(job.id, { message: 'plover in an event' })
    await responses.put('sha256:r', 1, Buffer.from('plover in an answer'))
    const reason = { waiver: 'plover in a reason that somebody typed' }
    await audit.append([{ principal: 'p', action: 'adopt', about: 'desk', subject: null, details: reason }])

    const texts = await collect(traces.texts())
    const found = texts.filter(({ bytes }) => Buffer.from(bytes).includes('plover'))
    expect(found.map(({ table, key }) => [table, key])).toEqual([
      ['artifacts', digest],
      ['executions', expect.any(String)],
      ['jobs', job.id],
      ['job_events', `${job.id} 1`],
      ['audit_log', '1'],
      ['responses', 'sha256:r 1'],
    ])
    const clear = async () => {
      const cleared = []
      for (const text of found) cleared.push(await traces.clear(text))
      return cleared
    }
    // What a running job was given is not taken from it.
    expect(await clear()).toEqual([false, false, false, true, false, true])
    await jobs.finish(job.id, { state: 'cancelled' })
    expect((await clear())[2]).toBe(true)
    expect(await responses.get('sha256:r', 1)).toBeNull()
    expect(await jobs.get(job.id)).toMatchObject({ operation: 'x', input: {}, state: 'cancelled' })
    const left = (await collect(traces.texts())).filter(({ bytes }) => Buffer.from(bytes).includes('plover'))
    expect(left.map(({ table }) => table)).toEqual(['artifacts', 'executions', 'audit_log'])
  })

  test('a row that was removed is in the files of the database until its table is rewritten', async () => {
    const { inferences, traces } = project()
    const word = `plover-${uuidv7()}`
    const row = inference(word)
    await inferences.insert([row])
    await collect(inferences.select())
    await traces.flush()
    expect(await filesWith(word, traces)).not.toEqual([])
    await inferences.remove([row.id])
    expect(await traces.compact(['inferences'])).toEqual([])
    // The log of a server is its own: what is in it stays until it is written over.
    expect((await filesWith(word, traces)).filter((path) => !path.startsWith('pg_wal'))).toEqual([])
  })

  async function filesWith(word: string, traces: ProjectStore['traces']): Promise<string[]> {
    const files = await traces.serverFiles()
    if (files === null) {
      const folder = join(options().dataDirectory, 'database')
      const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
      const paths = entries
        .filter((entry) => entry.isFile())
        .map(({ parentPath, name }) => join(parentPath, name))
      return paths.filter((path) => readFileSync(path).includes(word))
    }
    if ('reason' in files) throw new Error(files.reason)
    const found = []
    for (const { path, chunks } of files) {
      if (Buffer.concat(await collect(chunks())).includes(word)) found.push(path)
    }
    return found
  }
}
