import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openBase } from './base.ts'
import { resolveLora } from './lora-config.ts'
import { checkAdapterFits, readAdapter, writeAdapter } from './peft.ts'
import { writePicoBase } from './pico-base.ts'
import { openSafetensors, writeSafetensors } from './safetensors.ts'
import type { Adapter, LoraConfig, LoraTensors } from './types.ts'

const folder = mkdtempSync(join(tmpdir(), 'peft-'))
afterAll(() => rmSync(folder, { recursive: true }))

let count = 0
const freshPath = () => join(folder, `adapter-${count++}`)

const QUERY = 'model.layers.0.self_attn.q_proj'
const KEY = 'model.layers.1.self_attn.k_proj'
const CONFIG: LoraConfig = {
  rank: 2,
  alpha: 4,
  useRslora: false,
  targetModules: ['q_proj', 'k_proj'],
  rankPattern: {},
  alphaPattern: {},
  baseModelNameOrPath: 'regraft-nano',
}

function lora(inFeatures: number, outFeatures: number, rank = 2, scale = 2): LoraTensors {
  const a = Float32Array.from({ length: rank * inFeatures }, (_, i) => Math.sin(i + rank))
  const b = Float32Array.from({ length: outFeatures * rank }, (_, i) => Math.cos(i) / 3)
  return { a, b, rank, inFeatures, outFeatures, scale }
}

const ADAPTER: Adapter = {
  config: CONFIG,
  modules: new Map([
    [QUERY, lora(16, 16)],
    [KEY, lora(16, 8)],
  ]),
}

/** A PEFT folder with ADAPTER's tensors and a configuration changed as given. */
function peftFolder(changes: Record<string, unknown> = {}, adapter = ADAPTER): string {
  const path = freshPath()
  writeAdapter(path, adapter)
  const configPath = join(path, 'adapter_config.json')
  const config = JSON.parse(readFileSync(configPath, 'utf8')) as Record<string, unknown>
  writeFileSync(configPath, JSON.stringify({ ...config, ...changes }))
  return path
}

test('an adapter comes back as it was written', () => {
  const path = freshPath()
  writeAdapter(path, ADAPTER)
  const { config, modules } = readAdapter(path)
  expect(config).toEqual({ ...CONFIG, targetModules: ['k_proj', 'q_proj'] })
  expect(modules).toEqual(ADAPTER.modules)
})

test("the folder has PEFT's files, tensor names and shapes", () => {
  const path = freshPath()
  writeAdapter(path, ADAPTER, { dtype: 'F16' })
  expect(readdirSync(path).sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors'])
  const source = openSafetensors(join(path, 'adapter_model.safetensors'))
  const shapes = source.names().map((name) => [name, source.dtype(name), source.shape(name)])
  expect(shapes).toEqual([
    [`base_model.model.${QUERY}.lora_A.weight`, 'F16', [2, 16]],
    [`base_model.model.${QUERY}.lora_B.weight`, 'F16', [16, 2]],
    [`base_model.model.${KEY}.lora_A.weight`, 'F16', [2, 16]],
    [`base_model.model.${KEY}.lora_B.weight`, 'F16', [8, 2]],
  ])
  source.close()
  const config = JSON.parse(readFileSync(join(path, 'adapter_config.json'), 'utf8'))
  expect(config).toMatchObject({
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: 'regraft-nano',
    r: 2,
    lora_alpha: 4,
    target_modules: ['k_proj', 'q_proj'],
    bias: 'none',
    use_rslora: false,
    use_dora: false,
  })
})

test('equal adapters give equal bytes, whatever the order of modules and targets', () => {
  const [first, second] = [freshPath(), freshPath()]
  writeAdapter(first, ADAPTER)
  writeAdapter(second, {
    config: { ...CONFIG, targetModules: ['k_proj', 'q_proj'] },
    modules: new Map([...ADAPTER.modules].reverse()),
  })
  for (const name of readdirSync(first)) {
    expect(readFileSync(join(second, name))).toEqual(readFileSync(join(first, name)))
  }
})

test('ranks and alphas follow the first pattern that matches whole trailing name parts', () => {
  const config: LoraConfig = {
    ...CONFIG,
    rank: 8,
    alpha: 16,
    rankPattern: {
      '^layers.0.self_attn.q_proj': 3,
      'layers.[01].self_attn.q_proj': 4,
      proj: 5,
      'mlp.up_proj': 6,
    },
    alphaPattern: { q_proj: 32 },
  }
  // peft 0.21.2: re.match(rf"(.*\.)?({key})$", module) over the keys in their order.
  expect(resolveLora(config, 'model.layers.1.self_attn.q_proj')).toEqual({ rank: 4, alpha: 32, scale: 8 })
  expect(resolveLora(config, 'model.layers.2.self_attn.q_proj')).toEqual({ rank: 8, alpha: 32, scale: 4 })
  expect(resolveLora(config, 'model.layers.2.mlp.up_proj')).toEqual({ rank: 6, alpha: 16, scale: 16 / 6 })
  expect(resolveLora(config, 'model.layers.2.mlp.gate_proj')).toEqual({ rank: 8, alpha: 16, scale: 2 })
  expect(resolveLora({ ...config, useRslora: true }, 'model.layers.1.self_attn.q_proj').scale).toBe(16)
})

test('patterns and rsLoRA survive a folder and set the scale of each module', () => {
  const config = { ...CONFIG, useRslora: true, rankPattern: { k_proj: 4 }, alphaPattern: { 'layers.0.+': 6 } }
  const modules = new Map([
    [KEY, lora(16, 8, 4, 2)],
    [QUERY, lora(16, 16, 2, 6 / Math.SQRT2)],
  ])
  const path = freshPath()
  writeAdapter(path, { config, modules })
  const read = readAdapter(path)
  expect(read.config).toMatchObject({
    useRslora: true,
    rankPattern: { k_proj: 4 },
    alphaPattern: { 'layers.0.+': 6 },
  })
  expect([...read.modules.keys()]).toEqual([QUERY, KEY])
  expect([read.modules.get(KEY)!.rank, read.modules.get(KEY)!.scale]).toEqual([4, 2])
  expect(read.modules.get(QUERY)!.scale).toBeCloseTo(6 / Math.SQRT2, 12)
})

test('target modules may be a shorthand or a pattern, or narrowed down by layer', () => {
  const targets = (changes: Record<string, unknown>) => readAdapter(peftFolder(changes)).config.targetModules
  expect(targets({ target_modules: 'all-linear' })).toEqual(['k_proj', 'q_proj'])
  expect(targets({ target_modules: '.*\\.(0\\.self_attn\\.q|1\\.self_attn\\.k)_proj' })).toEqual([QUERY, KEY])
  expect(targets({ layers_to_transform: [0, 1] })).toEqual([QUERY, KEY])
  expect(() => targets({ target_modules: ['q_proj'] })).toThrow(
    `tensors for ${KEY}, which target_modules leaves out`,
  )
  expect(() => targets({ target_modules: null })).toThrow('neither a list of names nor a pattern')
})

test.each([
  ['use_dora', true],
  ['bias', 'lora_only'],
  ['modules_to_save', ['lm_head']],
  ['lora_bias', true],
  ['peft_type', 'IA3'],
  ['fan_in_fan_out', true],
  ['init_lora_weights', 'pissa'],
  ['layer_replication', [[0, 4]]],
  ['alora_invocation_tokens', [1, 2]],
  ['some_later_option', { enabled: true }],
])('refuses %s = %j by name', (option, value) => {
  expect(() => readAdapter(peftFolder({ [option]: value }))).toThrow(`${option} = ${JSON.stringify(value)}`)
})

test('options that say nothing, or only how the adapter was made, are no obstacle', () => {
  // What LoraConfig.save_pretrained of peft 0.21.2 writes beside the keys that are read.
  const defaults = {
    ...{
      alora_invocation_tokens: null,
      arrow_config: null,
      auto_mapping: null,
      bias: 'none',
      corda_config: null,
    },
    ...{ ensure_weight_tying: false, eva_config: null, exclude_modules: null, fan_in_fan_out: false },
    ...{ inference_mode: false, init_lora_weights: true, kasa_config: null, layer_replication: null },
    ...{
      layers_pattern: null,
      layers_to_transform: null,
      loftq_config: {},
      lora_bias: false,
      lora_dropout: 0.05,
    },
    ...{ lora_ga_config: null, megatron_config: null, megatron_core: 'megatron.core', modules_to_save: null },
    ...{ monteclora_config: null, peft_version: '0.21.2', qalora_group_size: 16, revision: null },
    ...{ target_parameters: null, trainable_token_indices: null, use_bdlora: null, use_dora: false },
    ...{ use_qalora: false, velora_config: null, base_model_name_or_path: null },
  }
  const { config, modules } = readAdapter(peftFolder({ ...defaults, init_lora_weights: 'gaussian' }))
  expect(config).toEqual({ ...CONFIG, targetModules: ['k_proj', 'q_proj'], baseModelNameOrPath: '' })
  expect(modules).toEqual(ADAPTER.modules)
})

test('names a tensor that is unknown, alone or of another rank', () => {
  const write = (tensors: Record<string, number[]>) => {
    const path = peftFolder()
    const written = Object.entries(tensors).map(([name, shape]) => ({
      name: `base_model.model.${name}`,
      shape,
      dtype: 'F32' as const,
      data: new Float32Array(shape.reduce((product, size) => product * size, 1)),
    }))
    writeSafetensors(join(path, 'adapter_model.safetensors'), written)
    return path
  }
  expect(() => readAdapter(write({ [`${QUERY}.lora_magnitude_vector`]: [16] }))).toThrow(
    'lora_magnitude_vector',
  )
  expect(() => readAdapter(write({ [`${QUERY}.lora_A.weight`]: [2, 16] }))).toThrow(
    `no tensor base_model.model.${QUERY}`,
  )
  const ranks = { [`${QUERY}.lora_A.weight`]: [3, 16], [`${QUERY}.lora_B.weight`]: [16, 3] }
  expect(() => readAdapter(write(ranks))).toThrow(
    `${QUERY} has A [3, 16] and B [16, 3], the configuration says rank 2`,
  )
  expect(() => readAdapter(write({}))).toThrow('holds no tensors')
})

test('refuses to write what PEFT would load differently', () => {
  const write = (config: Partial<LoraConfig>) =>
    writeAdapter(freshPath(), { ...ADAPTER, config: { ...CONFIG, ...config } })
  expect(() => write({ targetModules: ['q_proj'] })).toThrow(`lacks the name of ${KEY}`)
  expect(() => write({ rank: 4 })).toThrow('says rank 4, not the 2')
  expect(() => write({ alpha: 2 })).toThrow('says scale 1, not the 2')
})

test('says which module does not fit a base', () => {
  const path = freshPath()
  writePicoBase(path)
  const base = openBase(path)
  const module = 'model.layers.2.mlp.up_proj'
  const adapter = (name: string, tensors: LoraTensors) => ({
    ...ADAPTER,
    modules: new Map([[name, tensors]]),
  })
  expect(() => checkAdapterFits(ADAPTER, base)).not.toThrow()
  expect(() => checkAdapterFits(adapter(QUERY, lora(16, 8)), base)).toThrow(
    `The adapter's ${QUERY} is [8, 16], that of ${path} is [16, 16]`,
  )
  expect(() => checkAdapterFits(adapter(module, lora(16, 24)), base)).toThrow(`changes ${module}, which`)
  base.close()
})
