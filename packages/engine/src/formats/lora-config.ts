/** PEFT's adapter_config.json. Option names and matching rules: peft 0.21.2, tuners/lora/config.py. */
import { EngineError } from '../errors.ts'
import { isJsonObject } from './canonical-json.ts'
import type { LoraConfig } from './types.ts'

/** Rank and scale that a configuration gives one module, for example 'model.layers.0.self_attn.q_proj'. */
export function resolveLora(
  config: LoraConfig,
  module: string,
): { rank: number; alpha: number; scale: number } {
  const rank = patternValue(config.rankPattern, module) ?? config.rank
  const alpha = patternValue(config.alphaPattern, module) ?? config.alpha
  return { rank, alpha, scale: alpha / (config.useRslora ? Math.sqrt(rank) : rank) }
}

/** PEFT's get_pattern_key: the first key that, as a regular expression, matches whole trailing name parts. */
function patternValue(pattern: Record<string, number>, module: string): number | undefined {
  for (const [key, value] of Object.entries(pattern)) {
    let expression: RegExp
    try {
      expression = new RegExp(`^(.*\\.)?(${key})$`, 'u')
    } catch (cause) {
      throw new EngineError(
        'incompatible',
        `The pattern ${key} of the adapter is no regular expression here`,
        {
          cause,
        },
      )
    }
    if (expression.test(module)) return value
  }
  return undefined
}

/** Whether target modules name a module: in full, or by its last name parts. */
export function isTargeted(targetModules: readonly string[], module: string): boolean {
  return targetModules.some((target) => module === target || module.endsWith(`.${target}`))
}

/** Options that do not change what the stored tensors mean. */
const HARMLESS = new Set([
  'auto_mapping',
  'base_model_name_or_path',
  'corda_config',
  'eva_config',
  'exclude_modules',
  'inference_mode',
  'layers_pattern',
  'layers_to_transform',
  'loftq_config',
  'lora_dropout',
  'lora_ga_config',
  'megatron_core',
  'peft_version',
  'qalora_group_size',
  'revision',
  'runtime_config',
  'task_type',
])
const READ = new Set(['alpha_pattern', 'lora_alpha', 'r', 'rank_pattern', 'target_modules', 'use_rslora'])
/** Other initializations change the base's weights too, so the adapter alone is not the whole update. */
const INITIALIZATIONS: unknown[] = [undefined, null, true, false, 'gaussian', 'orthogonal', 'eva']

/**
 * Reads adapter_config.json for the modules that have tensors.
 *
 * Throws `incompatible` naming the first option it does not support: anything that makes the update something
 * other than scale · B·A on linear weights.
 */
export function parseLoraConfig(json: unknown, modules: readonly string[], path: string): LoraConfig {
  if (!isJsonObject(json)) throw new EngineError('invalid-file', `${path} is no JSON object`)
  refuseUnsupported(json, path)
  const number = (key: string, fallback: number): number => {
    const value = json[key] ?? fallback
    if (typeof value === 'number' && value > 0) return value
    throw new EngineError(
      'invalid-file',
      `${key} in ${path} is ${JSON.stringify(value)}, not a positive number`,
    )
  }
  const pattern = (key: string): Record<string, number> => {
    const value = json[key] ?? {}
    const isPattern = isJsonObject(value) && Object.values(value).every((entry) => Number(entry) > 0)
    if (isPattern) return value as Record<string, number>
    throw new EngineError('invalid-file', `${key} in ${path} does not map names to positive numbers`)
  }
  return {
    rank: number('r', 8),
    alpha: number('lora_alpha', 8),
    useRslora: json.use_rslora === true,
    targetModules: targetModules(json, modules, path),
    rankPattern: pattern('rank_pattern'),
    alphaPattern: pattern('alpha_pattern'),
    baseModelNameOrPath: typeof json.base_model_name_or_path === 'string' ? json.base_model_name_or_path : '',
  }
}

function refuseUnsupported(json: Record<string, unknown>, path: string): void {
  const refuse = (option: string): never => {
    throw new EngineError('incompatible', `${path} has ${option} = ${JSON.stringify(json[option])}`, {
      hint: 'Supported: plain LoRA on linear weights (rsLoRA, rank_pattern and alpha_pattern included)',
    })
  }
  for (const [option, value] of Object.entries(json)) {
    if (option === 'peft_type') {
      if (value !== 'LORA') refuse(option)
    } else if (option === 'bias') {
      if (value !== 'none' && value !== null) refuse(option)
    } else if (option === 'init_lora_weights') {
      if (!INITIALIZATIONS.includes(value)) refuse(option)
    } else if (!READ.has(option) && !HARMLESS.has(option) && isSet(value)) {
      refuse(option)
    }
  }
  if (json.peft_type === undefined) throw new EngineError('invalid-file', `${path} has no peft_type`)
}

function isSet(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0
  return isJsonObject(value) ? Object.keys(value).length > 0 : Boolean(value)
}

function targetModules(json: Record<string, unknown>, modules: readonly string[], path: string): string[] {
  const targets = json.target_modules
  if (typeof targets === 'string') {
    if (targets.toLowerCase() !== 'all-linear') return [...modules]
    return [...new Set(modules.map((module) => module.slice(module.lastIndexOf('.') + 1)))].sort()
  }
  if (!Array.isArray(targets) || !targets.every((target) => typeof target === 'string')) {
    throw new EngineError(
      'invalid-file',
      `target_modules in ${path} is neither a list of names nor a pattern`,
    )
  }
  const stray = modules.find((module) => !isTargeted(targets, module))
  if (stray !== undefined) {
    throw new EngineError(
      'invalid-file',
      `The adapter has tensors for ${stray}, which target_modules leaves out`,
    )
  }
  // Further conditions narrow the list down, so only full names say which modules it meant.
  const isNarrowed = isSet(json.exclude_modules) || typeof json.layers_to_transform === 'number'
  return isNarrowed || isSet(json.layers_to_transform) ? [...modules] : [...targets].sort()
}

/** adapter_config.json with every key that PEFT needs to load the adapter for inference or further training. */
export function formatLoraConfig(config: LoraConfig): string {
  const json = {
    // The order of patterns decides which one applies, so they keep theirs.
    alpha_pattern: config.alphaPattern,
    auto_mapping: null,
    base_model_name_or_path: config.baseModelNameOrPath,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    layers_pattern: null,
    layers_to_transform: null,
    lora_alpha: config.alpha,
    lora_dropout: 0,
    modules_to_save: null,
    peft_type: 'LORA',
    r: config.rank,
    rank_pattern: config.rankPattern,
    revision: null,
    target_modules: [...config.targetModules].sort(),
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: config.useRslora,
  }
  return `${JSON.stringify(json, null, 2)}\n`
}
