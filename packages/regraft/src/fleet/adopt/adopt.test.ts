import { copyFileSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Config } from '../../config/index.ts'
import { type AdapterRecord, BUNDLED_PATH, EngineHost } from '../../models/index.ts'
import type { OperationContext } from '../../operation/index.ts'
import { openTestStore } from '../../store/testing.ts'
import { writeNanoAdapter } from '../fixtures/peft-folder.ts'
import { readRegistration, requireRegistration, requireTrained } from '../registration.ts'
import { adoptOperation } from './adopt.ts'

const folder = mkdtempSync(join(tmpdir(), 'regraft-adopt-'))
const config: Config = {
  ...Config.parse({ bases: { twin: { path: join(folder, 'twin') } } }),
  dataDirectory: join(folder, 'data'),
}
const evaluationEngines = new EngineHost(config, 'evaluation')
let store: Awaited<ReturnType<typeof openTestStore>>

beforeAll(async () => {
  cpSync(BUNDLED_PATH, join(folder, 'twin'), { recursive: true })
  store = await openTestStore()
})
afterAll(async () => {
  await evaluationEngines.close()
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

const project = () => store.project('p')

async function adopt(input: Record<string, unknown>, principal = 'local') {
  const context = {
    ...{ store: project(), config, services: { evaluationEngines } },
    principal: { id: principal, scopes: ['admin'] },
    signal: new AbortController().signal,
    progress() {},
  } as unknown as OperationContext
  return adoptOperation.run(context, adoptOperation.input.parse(input))
}

const adapterFolder = (name: string, more = {}) => writeNanoAdapter(join(folder, name), more)

test('an adopted adapter has its base found, its effect measured, its files kept, and all that it lacks listed', async () => {
  const peft = adapterFolder('Routing')
  for (const name of ['tokenizer.json', 'tokenizer_config.json'])
    copyFileSync(join(BUNDLED_PATH, name), join(peft, name))
  writeFileSync(join(peft, 'README.md'), '# A card\n')
  for (const pickle of ['training_args.bin', 'optimizer.pt'])
    writeFileSync(join(peft, pickle), 'cos\nsystem\n')
  const adopted = await adopt({ folder: peft, owner: 'ada' })
  expect(adopted).toMatchObject({
    name: 'routing',
    version: 1,
    alias: 'champion',
    owner: 'ada',
    deputy: null,
  })
  expect(adopted.base).toMatchObject({ name: 'regraft-nano', here: true })
  expect(adopted.missing.map(({ entry }) => entry)).toEqual([
    'deputy',
    'the revision of its base',
    'the training rows, with source and consent',
    'the recipe and its seeds',
    'the code version and the environment lock',
    'scores with intervals',
  ])
  const record = await project().artifacts.read<AdapterRecord>(adopted.adapter)
  expect(record.files.map(({ path }) => path)).toEqual([
    'README.md',
    'adapter_config.json',
    'adapter_model.safetensors',
    'tokenizer.json',
    'tokenizer_config.json',
  ])
  expect(await project().artifacts.find('measurement', { measures: 'adapter-effect' })).toHaveLength(1)
  const { registration } = await requireRegistration(project(), 'routing')
  expect(registration).toMatchObject({
    origin: 'adopted',
    recipe: null,
    base: { kind: 'local', name: 'regraft-nano' },
  })
  expect(() => requireTrained(registration)).toThrow(/routing v1 was adopted: its record lacks deputy/)
  // Its owner is there, its rows are nobody's: its true risk.
  expect(adopted.risk.red.map(({ condition }) => condition)).toEqual(['record', 'rows'])
  expect(adopted.risk.daysToUnrebuildable).toBe(0)
  const entries = await project().audit.list({ about: 'routing' })
  expect(entries.map(({ action }) => action)).toEqual(['adopt', 'move-alias'])

  const again = await adopt({ folder: peft, name: 'routing', deputy: 'grace' })
  expect(again).toMatchObject({ version: 2, alias: 'candidate', adapter: adopted.adapter })
  await expect(adopt({ folder: peft, name: 'routing', as: 'champion' })).rejects.toMatchObject({
    code: 'record-incomplete',
  })
})

test('an adapter whose base is not here has a record all the same', async () => {
  const adopted = await adopt({
    folder: adapterFolder('orphan', { baseName: 'org/gone-7b' }),
    deputy: 'grace',
  })
  expect(adopted.base).toMatchObject({ name: 'org/gone-7b', here: false })
  expect(adopted.missing.map(({ entry }) => entry)).toContain('the base itself, with its digests')
  expect(adopted.risk.red.map(({ condition }) => condition)).toEqual(['record', 'owner', 'rows', 'inputs'])
  expect(await readRegistration(project(), adopted.registration)).toMatchObject({
    base: { kind: 'absent', name: 'org/gone-7b', revision: null },
    owner: null,
  })
})

test('an adapter for a hosted base is recorded with what the base is known by, and is not tried', async () => {
  const value = {
    name: 'cloud/large',
    format: 'hosted',
    upstream: 'cloud',
    model: 'large',
    fingerprint: 'sha256:f',
  }
  const { digest } = await project().artifacts.put({ kind: 'base', schemaVersion: 1, value })
  await project().aliases.set('base/cloud/large', digest)
  const adopted = await adopt({ folder: adapterFolder('uploaded'), base: 'cloud/large', owner: 'ada' })
  expect(adopted.base).toMatchObject({ name: 'cloud/large', here: false })
  expect(adopted.missing.map(({ entry }) => entry)).not.toContain('the base itself, with its digests')
  const { base } = await readRegistration(project(), adopted.registration)
  const { format: _, ...known } = value
  expect(base).toEqual({ kind: 'hosted', artifact: digest, ...known })
})

test.each<[string, Record<string, unknown>, { code: string; hint?: RegExp; message?: RegExp }]>([
  [
    'no base that it names, and two that fit',
    { baseName: '' },
    { code: 'invalid-input', hint: /--base twin or --base regraft-nano/ },
  ],
  ['zero B', { size: 0 }, { code: 'incompatible', message: /weights: untrained: B is zero/ }],
  [
    'an update that drowns in rounding',
    { size: 1e-9 },
    { code: 'incompatible', message: /ignored or untrained/ },
  ],
])('%s: refused, and not in the fleet', async (_, options, { hint = /./, message = /./, ...error }) => {
  const refused = await adopt({ folder: adapterFolder('refused', options) }).catch(
    (thrown: unknown) => thrown,
  )
  expect(refused).toMatchObject({
    ...error,
    ...{ hint: expect.stringMatching(hint), message: expect.stringMatching(message) },
  })
  await expect(requireRegistration(project(), 'refused')).rejects.toMatchObject({ code: 'not-found' })
})

test('what the caller says decides, and what nobody may say is refused', async () => {
  const nameless = adapterFolder('nameless', { baseName: '' })
  expect((await adopt({ folder: nameless, base: 'twin' })).base).toMatchObject({ name: 'twin', here: true })
  await expect(adopt({ folder: nameless, base: 'nowhere' })).rejects.toMatchObject({ code: 'not-found' })
  await expect(adopt({ folder: nameless, base: 'twin', owner: 'a', deputy: 'a' })).rejects.toThrow(
    /owner and deputy/,
  )
  await expect(adopt({ folder: nameless }, 'key-1')).rejects.toMatchObject({ code: 'forbidden' })
  const spaced = adapterFolder('two words')
  await expect(adopt({ folder: spaced })).rejects.toThrow(/'two words' cannot be its name/)
  writeFileSync(join(spaced, 'chat_template.jinja'), '{{ messages[0].content }}')
  await expect(adopt({ folder: spaced, name: 'templated' })).rejects.toMatchObject({
    hint: 'put it right, or answer for it: --waive "chat template"',
  })
  const waived = await adopt({ folder: spaced, name: 'templated', waive: ['chat template'] })
  expect(await project().artifacts.read(waived.adapter)).toMatchObject({ waived: ['chat template'] })
})
