// Recall and false alarms of the checks before an adapter is loaded, on faults planted into sound adapters:
//   node bench/adapter-checks.ts [--seed 2] [--adapters 60]
// Sound adapters on regraft-nano: random ranks, scales, linears and sizes of B over three orders of magnitude. Each fault goes into
// each of them. The smoke test runs where the checks of the folder have found nothing, as in a load.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  type Adapter,
  compareWithBase,
  InferenceProcess,
  inspectAdapter,
  openBase,
  writeAdapter,
  writeSafetensors,
} from '@regraft/engine'
import { Random, wilsonInterval } from '@regraft/methods'
import { LINEAR_NAMES, linearShapes } from '../packages/engine/src/decoder/layer.ts'
import { openSafetensors } from '../packages/engine/src/formats/safetensors.ts'
import { measureEffect, requireEffect } from '../packages/regraft/src/models/compatibility/adapter-effect.ts'
import { BUNDLED_PATH, judgeCompatibility } from '../packages/regraft/src/models/index.ts'
import { describeMachine } from './measure.ts'

const { values } = parseArgs({
  options: { seed: { type: 'string', default: '2' }, adapters: { type: 'string', default: '60' } },
})
const [seed, count] = [Number(values.seed), Number(values.adapters)]
const folder = mkdtempSync(join(tmpdir(), 'regraft-checks-'))
const base = openBase(BUNDLED_PATH)
const shapes = linearShapes(base.config)

function soundAdapter(random: Random): { adapter: Adapter; size: number } {
  const rank = random.choice([1, 2, 4, 8, 16])
  const alpha = rank * random.choice([0.5, 1, 2])
  const names = LINEAR_NAMES.filter(() => random.uniform() < 0.5)
  const targets = names.length > 0 ? names : [random.choice(LINEAR_NAMES)]
  const size = 10 ** (-4 + 3 * random.uniform())
  const draw = (length: number, scale: number) =>
    Float32Array.from({ length }, () => (random.uniform() * 2 - 1) * scale)
  const modules = new Map<string, NonNullable<ReturnType<Adapter['modules']['get']>>>()
  for (let layer = 0; layer < base.config.numHiddenLayers; layer++) {
    for (const name of targets) {
      const { inFeatures, outFeatures } = shapes[name]
      const part = ['q_proj', 'k_proj', 'v_proj', 'o_proj'].includes(name) ? 'self_attn' : 'mlp'
      modules.set(`model.layers.${layer}.${part}.${name}`, {
        ...{ a: draw(rank * inFeatures, 1 / Math.sqrt(inFeatures)), b: draw(outFeatures * rank, size) },
        ...{ rank, inFeatures, outFeatures, scale: alpha / rank },
      })
    }
  }
  const config = {
    ...{ rank, alpha, useRslora: false, targetModules: targets, rankPattern: {}, alphaPattern: {} },
    baseModelNameOrPath: 'regraft-nano',
  }
  return { adapter: { config, modules }, size }
}

interface Tensor {
  name: string
  shape: number[]
  dtype: 'F32'
  data: Float32Array
}

/** Changes the tensors of a written folder. */
function rewrite(path: string, change: (tensors: Tensor[]) => Tensor[]): void {
  const file = join(path, 'adapter_model.safetensors')
  const source = openSafetensors(file)
  const tensors = source
    .names()
    .map((name): Tensor => ({ name, shape: source.shape(name), dtype: 'F32', data: source.read(name) }))
  source.close()
  writeSafetensors(file, change(tensors), { format: 'pt' })
}

const scaleB = (factor: number) => (tensor: Tensor) => ({
  ...tensor,
  data: tensor.name.includes('lora_B') ? tensor.data.map((value) => value * factor) : tensor.data,
})
const rename = (change: (name: string) => string) => (path: string) =>
  rewrite(path, (tensors) => tensors.map((tensor) => ({ ...tensor, name: change(tensor.name) })))
const options = (change: Record<string, unknown>) => (path: string) => {
  const file = join(path, 'adapter_config.json')
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...change }))
}
const more = (name: string, shape: number[]) => (path: string) =>
  rewrite(path, (tensors) => {
    const data = new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(0.1)
    return [...tensors, { name, shape, dtype: 'F32', data }]
  })
const jsonOf = (name: string) => JSON.parse(readFileSync(join(BUNDLED_PATH, name), 'utf8'))
const beside = (name: string, make: (random: Random) => unknown) => (path: string, random: Random) => {
  for (const file of ['tokenizer.json', 'tokenizer_config.json'])
    cpSync(join(BUNDLED_PATH, file), join(path, file))
  writeFileSync(
    join(path, name),
    typeof make(random) === 'string' ? String(make(random)) : JSON.stringify(make(random)),
  )
}
/** Two ordinary tokens trade their ids. */
function swapTokens(random: Random): unknown {
  const json = jsonOf('tokenizer.json') as { model: { vocab: Record<string, number> } }
  const letters = [...'etaoinsrhl']
  const [one, other] = [random.choice(letters.slice(0, 5)), random.choice(letters.slice(5))]
  const { vocab } = json.model
  const kept = vocab[one]!
  vocab[one] = vocab[other]!
  vocab[other] = kept
  return json
}
function addToken(random: Random): unknown {
  const json = jsonOf('tokenizer.json') as { added_tokens: Record<string, unknown>[] }
  const id = 3000 + random.integer(1000)
  json.added_tokens.push({ ...json.added_tokens[0], id, content: `<|tool_${id}|>` })
  return json
}
const TEMPLATE = String((jsonOf('tokenizer_config.json') as { chat_template: string }).chat_template)

const FAULTS: Record<string, (path: string, random: Random) => void> = {
  'B is zero': (path) => rewrite(path, (tensors) => tensors.map(scaleB(0))),
  'B a millionth of what it was': (path) => rewrite(path, (tensors) => tensors.map(scaleB(1e-6))),
  'one NaN': (path, random) =>
    rewrite(path, (tensors) => {
      const { data } = random.choice(tensors)
      data[random.integer(data.length)] = Number.NaN
      return tensors
    }),
  'keys without prefix': rename((name) => name.replace('base_model.model.', '')),
  "the adapter's name in the keys": rename((name) => name.replace('.weight', '.default.weight')),
  'modules of another architecture': rename((name) => name.replace('model.layers', 'transformer.h')),
  'layers that the base does not have': rename((name) =>
    name.replace(/layers\.(\d+)/, (_, layer) => `layers.${Number(layer) + 3}`),
  ),
  'shapes of a wider base': (path) =>
    rewrite(path, (tensors) =>
      tensors.map(({ name, shape, data, ...rest }) => {
        const isA = name.includes('lora_A')
        const wider = isA ? [shape[0]!, shape[1]! * 2] : [shape[0]! * 2, shape[1]!]
        return {
          ...rest,
          name,
          shape: wider,
          data: Float32Array.from({ length: data.length * 2 }, (_, i) => data[i % data.length]!),
        }
      }),
    ),
  'magnitudes of DoRA': more('base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector', [192]),
  'a saved lm_head': more('base_model.model.lm_head.weight', [4096, 192]),
  'LoRA on the embedding': more('base_model.model.model.embed_tokens.lora_embedding_A', [4, 4096]),
  use_dora: options({ use_dora: true }),
  'an unknown option that is set': options({ use_next_years_trick: { gain: 2 } }),
  'a token of its own': beside('tokenizer.json', addToken),
  'two tokens that trade ids': beside('tokenizer.json', swapTokens),
  'another turn marker in the template': beside('chat_template.jinja', () =>
    TEMPLATE.replaceAll('<|im_start|>', '<start>'),
  ),
  'a default system prompt in the template': beside(
    'chat_template.jinja',
    () => `{{ '<|im_start|>system\\nBe kind.<|im_end|>\\n' }}${TEMPLATE}`,
  ),
}
/** Differences that mean nothing: none may be refused. */
const SOUND: Record<string, (path: string, random: Random) => void> = {
  'as it was trained': () => {},
  "with the base's own tokenizer and template": beside('chat_template.jinja', () => TEMPLATE),
  'with a comment in the template': beside('chat_template.jinja', () => `{# trained with #}${TEMPLATE}`),
  'with a tokenizer written anew': beside('tokenizer.json', () =>
    JSON.stringify({ truncation: null, padding: null, ...jsonOf('tokenizer.json') }, null, 4),
  ),
}

const engine = await InferenceProcess.start({ path: BUNDLED_PATH, threads: 1 })

async function isRefused(path: string): Promise<{ refused: boolean; effect: number | null }> {
  const inspection = inspectAdapter(path)
  const comparison = compareWithBase(path, inspection.weights?.modules ?? [], base)
  const verdict = judgeCompatibility({ inspection, comparison }, { name: 'regraft-nano', knownAs: [] }, '')
  if (verdict.outcome === 'fail') return { refused: true, effect: null }
  await engine.loadAdapter('a', path)
  try {
    const effect = await measureEffect((adapted, items) =>
      engine.score({ adapter: adapted ? 'a' : null, items }),
    )
    try {
      requireEffect(effect, 'regraft-nano')
      return { refused: false, effect: effect.largestChange }
    } catch {
      return { refused: true, effect: effect.largestChange }
    }
  } finally {
    await engine.unloadAdapter('a')
  }
}

console.log(`${describeMachine()}\nseed ${seed}, ${count} adapters\n`)
const effects: [size: number, effect: number][] = []
let isGood = true
for (const [kind, changes, wanted] of [
  ['refused, as it should be', FAULTS, true],
  ['refused, though sound', SOUND, false],
] as const) {
  console.log(`${kind}:`)
  let all = 0
  for (const [name, change] of Object.entries(changes)) {
    let refused = 0
    for (let index = 0; index < count; index++) {
      const random = new Random(seed, `${name}/${index}`)
      const { adapter, size } = soundAdapter(random)
      const path = join(folder, 'adapter')
      rmSync(path, { recursive: true, force: true })
      writeAdapter(path, adapter)
      change(path, random)
      const found = await isRefused(path)
      if (found.refused) refused++
      if (!wanted && found.effect !== null) effects.push([size, found.effect])
    }
    all += refused
    if (refused !== (wanted ? count : 0)) isGood = false
    console.log(`  ${name.padEnd(46)} ${share(refused, count)}`)
  }
  console.log(`  ${'in all'.padEnd(46)} ${share(all, count * Object.keys(changes).length)}\n`)
}
effects.sort(([, a], [, b]) => a - b)
const [smallest] = effects
console.log(
  `effects of ${effects.length} sound adapters: smallest ${smallest![1].toExponential(1)} nats (entries of B up to ${smallest![0].toExponential(1)}), median ${effects[effects.length >> 1]![1].toPrecision(2)}`,
)
await engine.close()
base.close()
rmSync(folder, { recursive: true, force: true })
process.exitCode = isGood ? 0 : 1

function share(found: number, of: number): string {
  const { low, high } = wilsonInterval(found, of)
  const percent = (value: number) => `${(value * 100).toFixed(1)} %`
  return `${found} of ${of}: ${percent(found / of)} (${percent(low)} to ${percent(high)})`
}
