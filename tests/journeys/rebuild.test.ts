// A drill end to end on a tiny base: equal bytes in isolation, and every input whose loss it must name.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SnapshotManifest } from '../../packages/regraft/src/datasets/index.ts'
import { createEnclosure } from '../../packages/regraft/src/fleet/drill/enclosure.ts'
import type { RebuildRecord } from '../../packages/regraft/src/fleet/judge-rebuild.ts'
import { rebuildOperation } from '../../packages/regraft/src/fleet/rebuild.ts'
import { type DrilledAdapter, makeDrilledAdapter } from './drilled-adapter.ts'

let made: DrilledAdapter
beforeAll(async () => {
  made = await makeDrilledAdapter({ items: 6 })
})
afterAll(() => made.close())

const rebuild = (options: Record<string, unknown> = {}) =>
  rebuildOperation.run(made.context, rebuildOperation.input.parse({ name: 'desk', ...options }))

test('the recorded seed gives the same bytes where nothing but the record is to be seen', async () => {
  made.context.config.drills.hourlyCost = { amount: 36, currency: 'EUR' }
  const { verdict, rebuilt, record } = await rebuild({ offline: process.platform === 'linux' })
  expect(verdict).toMatchObject({ outcome: 'pass', finding: 'REPRODUCED' })
  expect(rebuilt).toBe(made.registration.adapter)
  const kept = await made.context.store.artifacts.read<RebuildRecord>(record)
  expect(kept).toMatchObject({ drill: 'rebuild', missing: null, seeds: [{ seed: 1 }] })
  expect(kept.cost).toEqual({ amount: expect.closeTo(kept.seconds / 100, 9), currency: 'EUR' })
  expect(kept.cpuSeconds).toBeGreaterThan(0.1)
  if (process.platform === 'linux') {
    expect(kept.isolation).toMatchObject({
      kind: 'namespaces',
      files: 'hidden',
      network: 'none',
      copied: true,
    })
  }
  const found = await made.context.store.artifacts.find('verdict', {
    drill: 'rebuild',
    adapter: made.registration.adapter,
  })
  expect(found.map(({ digest }) => digest)).toEqual([record])
  // Nothing of the drill is left.
  expect(readdirSync(join(made.context.config.dataDirectory, 'training'))).toEqual([])
})

test('in namespaces there is no network, no home, no data directory, and the base cannot be changed', async (task) => {
  const { base, context } = made
  const { dataDirectory } = context.config
  const folder = mkdtempSync(join(dataDirectory, 'enclosure-'))
  const enclosure = await createEnclosure({ folder, variables: {}, copies: false })
  if (enclosure.isolation.kind !== 'namespaces') task.skip(enclosure.isolation.reason!)
  await enclosure.admit(base)
  const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const look = `
    const { existsSync, readdirSync, writeFileSync } = require('node:fs')
    const attempt = (act) => { try { act(); return 'done' } catch (error) { return error.code } }
    const seen = {
      home: readdirSync(process.env.HOME), keys: Object.keys(process.env).sort(),
      data: readdirSync(${JSON.stringify(dataDirectory)}), root: existsSync('/root'), base: existsSync(${JSON.stringify(join(base, 'config.json'))}),
      write: attempt(() => writeFileSync(${JSON.stringify(join(base, 'config.json'))}, '')),
      jobs: attempt(() => writeFileSync(${JSON.stringify(join(enclosure.jobs, 'note'))}, '')),
    }
    require('node:net').connect(${port}, '127.0.0.1')
      .on('connect', () => console.log(JSON.stringify({ ...seen, network: 'reached' })))
      .on('error', ({ code }) => console.log(JSON.stringify({ ...seen, network: code })))
  `
  const { command, environment } = enclosure.launch([process.execPath, '-e', look])
  const [program, ...argv] = command
  const seen = JSON.parse(execFileSync(program!, argv, { env: environment, encoding: 'utf8' })) as object
  server.close()
  expect(seen).toEqual({
    home: [],
    keys: ['HOME', 'LANG', 'PATH', 'TMPDIR'],
    // Of the data directory nothing but the way to the drill's own folder.
    data: [basename(folder)],
    root: false,
    base: true,
    write: 'EROFS',
    jobs: 'done',
    network: 'ENETUNREACH',
  })
})

test('without namespaces the verdict says what was not hidden, and an offline drill is refused', async () => {
  const { PATH } = process.env
  process.env.PATH = '/nowhere'
  try {
    const { verdict, record } = await rebuild()
    expect(verdict).toMatchObject({ finding: 'REPRODUCED' })
    expect(verdict.reason).toMatch(
      /isolated in a process only .*: empty HOME, network not blocked, other files could be read/,
    )
    const kept = await made.context.store.artifacts.read<RebuildRecord>(record)
    expect(kept.isolation).toMatchObject({ kind: 'process', files: 'open', network: 'open' })
    await expect(rebuild({ offline: true })).rejects.toMatchObject({ code: 'unavailable' })
  } finally {
    process.env.PATH = PATH
  }
})

const lost = async () => {
  const { verdict, missing, rebuilt } = await rebuild()
  expect(verdict).toMatchObject({ outcome: 'fail', finding: 'IMPOSSIBLE' })
  expect(rebuilt).toBeNull()
  return missing
}

test('a base that is gone, or whose tokenizer was swapped, is named', async () => {
  const { base } = made
  renameSync(base, `${base}.away`)
  expect(await lost()).toMatchObject({ kind: 'base', text: expect.stringContaining('is not at') })
  cpSync(`${base}.away`, base, { recursive: true })
  const path = join(base, 'tokenizer.json')
  const tokenizer = JSON.parse(readFileSync(path, 'utf8')) as { model: { vocab: Record<string, number> } }
  const { vocab } = tokenizer.model
  const [a, b] = Object.keys(vocab).slice(20, 22) as [string, string]
  ;[vocab[a], vocab[b]] = [vocab[b]!, vocab[a]!]
  writeFileSync(path, JSON.stringify(tokenizer))
  expect(await lost()).toMatchObject({
    kind: 'base',
    text: expect.stringMatching(/the tokenizer of base pico changed/),
  })
  cpSync(`${base}.away`, base, { recursive: true })
})

test('a step of another version, other tokens, and a file from a home are named', async () => {
  const { store } = made.context
  const recorded = (await store.executions.get(made.registration.execution))!
  const withChanges = async (changes: Record<string, unknown>, environment: Record<string, unknown> = {}) => {
    const id = crypto.randomUUID()
    const execution = { ...recorded, id, stepKey: `test-${id}`, ...changes }
    await store.executions.record({ ...execution, environment: { ...recorded.environment, ...environment } })
    await made.register({ execution: id })
    return await lost()
  }
  expect(await withChanges({ version: 1 })).toMatchObject({
    kind: 'step',
    text: expect.stringMatching(/training\/lora version 1: .* version \d+; install regraft 0\.1\.0/),
  })
  const { prepared } = recorded.environment as { prepared: { lines: string } }
  expect(await withChanges({}, { prepared: { ...prepared, tokens: 'f'.repeat(64) } })).toMatchObject({
    kind: 'preprocessing',
    text: expect.stringMatching(/become other tokens.*recorded ffffffffffff/),
  })
  const variables = { NODE_OPTIONS: '--import=/home/ada/patch.mjs' }
  expect(await withChanges({}, { variables })).toEqual({
    kind: 'file',
    text: 'file /home/ada/patch.mjs: NODE_OPTIONS made the training load it, and no store pins it',
  })
  // A package of a folder that nobody knows is found missing by the trainer itself.
  expect(await withChanges({}, { variables: { NODE_OPTIONS: '--import=patched-loss' } })).toMatchObject({
    kind: 'file',
    text: expect.stringMatching(/^file patched-loss: the training reads it/),
  })
  await made.register({})
})

test('rows are named with their fate, and records as what they are', async () => {
  const { store } = made.context
  const { artifacts } = store
  await store.keys.destroy(`subject/${'a'.repeat(64)}`)
  expect(await lost()).toMatchObject({ kind: 'row', text: expect.stringMatching(/the key is gone$/) })
  await store.examples.remove([made.rows[0]!], { force: true })
  expect(await lost()).toMatchObject({ kind: 'row', text: expect.stringContaining(`${made.rows[0]} `) })
  const manifest = await artifacts.read<SnapshotManifest>(made.registration.snapshot.artifact)
  expect(manifest.rows[0]!.id).toBe(made.rows[0])
  await artifacts.remove(made.registration.snapshot.artifact)
  expect(await lost()).toMatchObject({ kind: 'snapshot' })
  await artifacts.remove(made.registration.recipe)
  expect(await lost()).toMatchObject({ kind: 'recipe' })
})
