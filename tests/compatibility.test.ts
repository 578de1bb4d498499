import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compareWithBase, inspectAdapter, openBase, writeSafetensors } from '@regraft/engine'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PICO_CHAT_TEMPLATE, writePicoBase } from '../packages/engine/src/formats/pico-base.ts'
import { openSafetensors } from '../packages/engine/src/formats/safetensors.ts'
import { Config } from '../packages/regraft/src/config/index.ts'
import { type AdapterRecord, storeAdapterFiles } from '../packages/regraft/src/models/adapters.ts'
import { findBase, recordBase } from '../packages/regraft/src/models/bases.ts'
import type { AdapterEffect } from '../packages/regraft/src/models/compatibility/adapter-effect.ts'
import { judgeCompatibility } from '../packages/regraft/src/models/compatibility/index.ts'
import { EngineHost } from '../packages/regraft/src/models/engine-host.ts'
import { openTestStore } from '../packages/regraft/src/store/testing.ts'

// Written by PEFT 0.21.2 for the pico base (scripts/parity/pico_adapters.py).
const PEFT_FOLDER = fileURLToPath(new URL('../bench/golden/pico-adapters/plain', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'regraft-compatibility-'))
const picoPath = join(folder, 'pico')
const config = Config.parse({
  dataDirectory: join(folder, 'data'),
  bases: { pico: { path: picoPath }, 'other-pico': { path: join(folder, 'other-pico') } },
})
const engines = new EngineHost(config, 'serving')
let store: Awaited<ReturnType<typeof openTestStore>>

beforeAll(async () => {
  writePicoBase(picoPath)
  writePicoBase(join(folder, 'other-pico'), { dtype: 'F16' })
  store = await openTestStore()
})
afterAll(async () => {
  await engines.close()
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Changes {
  tensors?: (name: string, data: Float32Array) => { name: string; data: Float32Array; shape?: number[] }
  extra?: { name: string; shape: number[] }[]
  config?: Record<string, unknown>
  files?: Record<string, unknown>
}

let count = 0
/** PEFT's folder, changed. */
function changed({ tensors, extra = [], config: options, files = {} }: Changes): string {
  const path = join(folder, `adapter-${count++}`)
  cpSync(PEFT_FOLDER, path, { recursive: true })
  const weights = join(path, 'adapter_model.safetensors')
  const source = openSafetensors(weights)
  const written = source.names().map((name) => {
    const shape = source.shape(name)
    const changedTensor = tensors?.(name, source.read(name)) ?? { name, data: source.read(name) }
    return { shape, dtype: 'F32' as const, ...changedTensor }
  })
  source.close()
  const added = extra.map(({ name, shape }) => ({
    ...{ name, shape, dtype: 'F32' as const },
    data: new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(0.1),
  }))
  writeSafetensors(weights, [...written, ...added], { format: 'pt' })
  const configPath = join(path, 'adapter_config.json')
  const json = JSON.parse(readFileSync(configPath, 'utf8')) as object
  writeFileSync(configPath, JSON.stringify({ ...json, ...options }))
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(path, name), typeof content === 'string' ? content : JSON.stringify(content))
  }
  return path
}

const zeroB: Changes = {
  tensors: (name, data) => ({ name, data: name.includes('lora_B') ? data.fill(0) : data }),
}
const tokenizerOf = () => JSON.parse(readFileSync(join(picoPath, 'tokenizer.json'), 'utf8')) as Tokenizer
interface Tokenizer {
  added_tokens: { id: number; content: string }[]
  model: { vocab: Record<string, number> }
}
/** Called when the base has been written. */
const tokenizerWith = (change: (tokenizer: Tokenizer) => void) => () => {
  const tokenizer = tokenizerOf()
  change(tokenizer)
  return tokenizer
}
const addToken = (id: number) => (tokenizer: Tokenizer) => {
  tokenizer.added_tokens.push({ ...tokenizer.added_tokens[0]!, id, content: '<|tool|>' })
}
const swap = ({ model: { vocab } }: Tokenizer) => {
  const [one, other] = ['a', 'e'] as const
  const kept = vocab[one]!
  vocab[one] = vocab[other]!
  vocab[other] = kept
}

/** As the worker does it. */
function judge(path: string) {
  const base = openBase(picoPath)
  const inspection = inspectAdapter(path)
  const comparison = compareWithBase(path, inspection.weights?.modules ?? [], base)
  base.close()
  const verdict = judgeCompatibility(
    { inspection, comparison },
    { name: 'pico', knownAs: [picoPath] },
    'again',
  )
  const part = (title: string) => verdict.parts!.find((one) => one.title === title)
  return { verdict, part }
}

async function adopt(path: string, more: Partial<AdapterRecord> = {}) {
  const project = store.project('p')
  const { artifact } = await recordBase(project, findBase(config, 'pico'))
  const value: AdapterRecord = {
    ...{ base: artifact.digest, recipe: null, snapshot: null },
    files: await storeAdapterFiles(project.blobs, path),
    ...more,
  }
  const { digest } = await project.artifacts.put({ kind: 'adapter', schemaVersion: 1, value })
  return { project, model: { base: artifact.digest, adapter: digest } }
}

test("an adapter of PEFT's fits and changes the base; its effect is measured once", async () => {
  const { verdict } = judge(PEFT_FOLDER)
  // PEFT saved neither tokenizer nor chat template.
  expect(verdict.parts!.map(({ title, outcome }) => [title, outcome])).toEqual([
    ['format', 'pass'],
    ['weights', 'pass'],
    ['modules', 'pass'],
    ['tokenizer', 'cannot-tell'],
    ['chat template', 'cannot-tell'],
    ['base', 'pass'],
  ])
  const { project, model } = await adopt(PEFT_FOLDER)
  await engines.load(project, model)
  const [effect, ...others] = await project.artifacts.find('measurement', { measures: 'adapter-effect' })
  const { tokens, largestChange } = await project.artifacts.read<AdapterEffect>(effect!.digest)
  expect(tokens).toBeGreaterThan(40)
  expect(largestChange).toBeGreaterThan(0.01)
  await engines.unload(model)
  await engines.load(project, model)
  expect(others).toEqual([])
  expect(await project.executions.consuming(model.adapter)).toHaveLength(1)
})

test.each<[string, Changes, string, RegExp]>([
  ['zero B', zeroB, 'weights', /untrained: B is zero in all \d+ modules/],
  [
    'NaN',
    {
      tensors: (name, data) => ({
        name,
        data: name.includes('0.self_attn.q_proj.lora_A') ? data.fill(NaN) : data,
      }),
    },
    'weights',
    /1 tensors hold NaN or infinity, the first is .*q_proj\.lora_A/,
  ],
  [
    'keys without their prefix',
    { tensors: (name, data) => ({ name: name.replace('base_model.model.', ''), data }) },
    'format',
    /a key without the prefix base_model\.model\./,
  ],
  [
    'the name of the adapter in the keys',
    { tensors: (name, data) => ({ name: name.replace('.weight', '.default.weight'), data }) },
    'format',
    /an adapter's name inside the key/,
  ],
  [
    'keys that match no module',
    { tensors: (name, data) => ({ name: name.replace('model.layers', 'transformer.h'), data }) },
    'modules',
    /are not in pico, the first is transformer\.h\.0\..*they would be ignored/,
  ],
  [
    'magnitudes of DoRA',
    {
      extra: [
        { name: 'base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector', shape: [16] },
      ],
    },
    'format',
    /a magnitude of DoRA/,
  ],
  [
    'a saved module',
    {
      extra: [{ name: 'base_model.model.lm_head.weight', shape: [272, 16] }],
      config: { modules_to_save: ['lm_head'] },
    },
    'format',
    /lm_head\.weight: a saved module/,
  ],
  [
    'LoRA on the embedding',
    { extra: [{ name: 'base_model.model.model.embed_tokens.lora_embedding_A', shape: [4, 272] }] },
    'format',
    /LoRA on an embedding/,
  ],
  ['DoRA by its option alone', { config: { use_dora: true } }, 'format', /use_dora = true/],
  [
    'a tokenizer with a token of its own',
    { files: { 'tokenizer.json': tokenizerWith(addToken(200)) } },
    'tokenizer',
    /1 tokens that pico does not have: "<\|tool\|>"/,
  ],
  [
    'a tokenizer beyond the embedding',
    { files: { 'tokenizer.json': tokenizerWith(addToken(300)) } },
    'tokenizer',
    /301 tokens, pico embeds 272/,
  ],
  [
    'another vocabulary of the same size',
    { files: { 'tokenizer.json': tokenizerWith(swap) } },
    'tokenizer',
    /texts become other tokens than with pico/,
  ],
  [
    'another chat template',
    { files: { 'chat_template.jinja': PICO_CHAT_TEMPLATE.replaceAll('<|im_start|>', '[INST]') } },
    'chat template',
    /renders conversations otherwise/,
  ],
])('%s is found before the load', (_, changes, title, reason) => {
  const resolved = Object.entries(changes.files ?? {}).map(([name, content]) => [
    name,
    typeof content === 'function' ? content() : content,
  ])
  const path = changed({ ...changes, files: Object.fromEntries(resolved) })
  const { verdict, part } = judge(path)
  expect(verdict.outcome).toBe('fail')
  expect(part(title)).toMatchObject({ outcome: 'fail', reason: expect.stringMatching(reason) })
})

test('what only changes how well an adapter works can be taken upon oneself', async () => {
  const path = changed({ files: { 'chat_template.jinja': 'all: {{ messages[0].content }}' } })
  const refused = await adopt(path)
  await expect(engines.load(refused.project, refused.model)).rejects.toThrow(
    /does not fit base pico; chat template: it renders/,
  )
  const { project, model } = await adopt(path, { waived: ['chat template'] })
  await engines.load(project, model)
})

test('a template of another text that renders the same is no obstacle', () => {
  const files = {
    'chat_template.jinja': `{# the same #}${PICO_CHAT_TEMPLATE}`,
    'tokenizer.json': readFileSync(join(picoPath, 'tokenizer.json'), 'utf8'),
  }
  const { verdict, part } = judge(changed({ files, config: { base_model_name_or_path: 'org/Pico' } }))
  expect(part('chat template')!.reason).toMatch(/another text .* renders the same/)
  expect(part('base')).toMatchObject({ outcome: 'pass' })
  expect(verdict.outcome).toBe('pass')
})

test('a silently ignored adapter is caught by what it does not change, whatever it claims', async () => {
  // Its record says that it was trained here, so that nothing but the smoke test looks at it.
  const { project, model } = await adopt(changed(zeroB), { recipe: `sha256:${'0'.repeat(64)}` })
  await expect(engines.load(project, model)).rejects.toThrow(/ignored or untrained: on \d+ tokens/)
  await expect(engines.generate(project, model, { conversations: [], maxTokens: 1 })).rejects.toThrow(
    /untrained/,
  )
})

test('an adapter is not loaded on other weights than those it was trained on', async () => {
  const { project, model } = await adopt(PEFT_FOLDER)
  const { artifact } = await recordBase(project, findBase(config, 'other-pico'))
  await expect(engines.load(project, { ...model, base: artifact.digest })).rejects.toThrow(
    /trained on other weights than those of base other-pico/,
  )
})
