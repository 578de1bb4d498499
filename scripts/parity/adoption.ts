// An adapter that PEFT trained is audited, adopted, gated and served here, with PEFT's own answers; and what is exported
// here (that one, and one trained here) loads in PEFT and gives the same logits. Needs the Python environment:
//   node scripts/parity/setup.ts
//   node scripts/parity/adoption.ts
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readAdapter } from '@regraft/engine'
import { createDecoder, layOut, openBase, readWeights } from '@regraft/engine/internals'
import OpenAI from 'openai'
import {
  generateEvaluation,
  generateHeldout,
  generateTraffic,
} from '../../packages/regraft/samples/support-desk/traffic.ts'
import { runJson, startServer } from '../../tests/cli-process.ts'

const PYTHON = fileURLToPath(new URL('../../.cache/parity-venv/bin/python', import.meta.url))
const SCRIPT = fileURLToPath(new URL('adoption.py', import.meta.url))
const BASE = fileURLToPath(new URL('../../packages/regraft/bases/regraft-nano', import.meta.url))
const SAMPLE = { seed: 11, count: 300 }
const SYSTEM = 'Route the ticket to a queue.'
const PROMPTS = [[1, 40, 900, 77, 12], Array.from({ length: 60 }, (_, i) => 3 + ((i * 37) % 4000))]

const folder = mkdtempSync(join(tmpdir(), 'regraft-adoption-'))
const run = <T>(...args: string[]) => runJson<T>(folder, args)
const messagesOf = (text: string) => [
  { role: 'system' as const, content: SYSTEM },
  { role: 'user' as const, content: text },
]
const lines = (rows: object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('')

function python(...args: string[]): void {
  const { status, stdout, stderr } = spawnSync(PYTHON, [SCRIPT, ...args], { encoding: 'utf8' })
  process.stdout.write(stdout)
  if (status !== 0) throw new Error(`adoption.py ${args[0]} failed:\n${stderr}`)
}

function require(isTrue: boolean, what: string): void {
  console.log(`${isTrue ? 'ok  ' : 'NOT '} ${what}`)
  if (!isTrue) throw new Error(`not so: ${what}`)
}

async function logitsOf(adapterFolder: string): Promise<number[][]> {
  const base = openBase(BASE)
  const adapter = readAdapter(adapterFolder)
  const decoder = createDecoder({ config: base.config, weights: readWeights(base), adapter, threads: 1 })
  const logits: number[][] = []
  for (const ids of PROMPTS) {
    const hidden = await decoder.stack.forward(layOut([{ ids, supervisedFrom: 1 }]))
    logits.push([...(await decoder.head.logits(hidden, Int32Array.of(ids.length - 1)))])
  }
  await decoder.release()
  base.close()
  return logits
}

/** Loads what was exported with PEFT and compares its logits with the engine's. */
async function compareWithPeft(name: string): Promise<void> {
  await run('fleet', 'export', name, '--out', `exported-${name}`)
  const exported = join(folder, `exported-${name}`)
  const logits = join(folder, `${name}-logits.json`)
  writeFileSync(logits, JSON.stringify({ prompts: PROMPTS, logits: await logitsOf(exported) }))
  python('load', BASE, exported, logits)
}

interface Verdict {
  outcome: string
  parts: { title: string; outcome: string; reason: string }[]
}

try {
  const { rows, manifest } = generateTraffic(SAMPLE)
  const heldout = generateHeldout(SAMPLE).slice(0, 8)
  const training = rows.slice(0, 200).map((row) => ({
    messages: row.messages.slice(0, 2),
    completion: manifest.truth[row.id],
  }))
  writeFileSync(join(folder, 'train.jsonl'), lines(training))
  writeFileSync(join(folder, 'traffic.jsonl'), lines(rows))
  writeFileSync(
    join(folder, 'prompts.jsonl'),
    lines(heldout.map(({ text }) => ({ messages: messagesOf(text) }))),
  )
  const items = generateEvaluation({ ...SAMPLE, size: 80 })
  const cells = items.map(({ text, label }) => `"${text.replaceAll('"', '""')}",${label}\n`)
  writeFileSync(join(folder, 'evaluation.csv'), `text,label\n${cells.join('')}`)
  const tasks = `tasks: { desk: { system: ${SYSTEM}, consent: generated, evaluation: desk } }`
  writeFileSync(join(folder, 'regraft.yaml'), `${tasks}\nowners: { owner: ada, deputy: grace }\n`)

  const theirs = join(folder, 'their-adapter')
  python('train', BASE, join(folder, 'train.jsonl'), join(folder, 'prompts.jsonl'), theirs)
  const audit = await run<{ verdict: Verdict }>(
    'audit',
    theirs,
    '--logs',
    'traffic.jsonl',
    '--eval',
    'evaluation.csv',
  )
  const adapterPart = audit.verdict.parts.find(({ title }) => title === 'adapter')!
  require(adapterPart.outcome === 'pass', `audit: ${adapterPart.reason}`)

  const adopted = await run<{ adapter: string; base: { name: string } }>('fleet', 'adopt', theirs, 'theirs')
  require(adopted.base.name === 'regraft-nano', 'adopt: the base was found by its name')
  await run('datasets', 'seal', 'evaluation.csv', '--as', 'desk', '--text', 'text', '--label', 'label')
  const gate = await run<{ verdict: { outcome: string }; scores: { name: string; accuracy: number }[] }>(
    ...['gates', 'check', adopted.adapter, '--evaluation', 'desk'],
  )
  const scores = gate.scores.map(({ name, accuracy }) => `${name} ${(accuracy * 100).toFixed(1)} %`)
  require(gate.verdict.outcome === 'pass', `gate: ${scores.join(', ')}`)

  const server = await startServer(folder)
  try {
    const openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none' })
    const answers = JSON.parse(readFileSync(join(theirs, 'answers.json'), 'utf8')) as string[]
    let same = 0
    for (const [index, { text }] of heldout.entries()) {
      const request = { model: 'theirs', messages: messagesOf(text), max_tokens: 12, temperature: 0 }
      const { choices } = await openai.chat.completions.create(request)
      if (choices[0]!.message.content?.trim() === answers[index]!.trim()) same++
    }
    require(same ===
      heldout.length, `served: ${same} of ${heldout.length} answers are PEFT's, character by character`)
  } finally {
    await server.kill('SIGTERM')
  }
  await compareWithPeft('theirs')

  await run('import', 'traffic.jsonl', '--task', 'desk')
  await run('datasets', 'build', '--task', 'desk')
  await run('training', 'run', '--epochs', '3', '--rank', '4', '--rslora', '--learning-rate', '5e-3')
  await run('gates', 'check')
  await run('fleet', 'register', 'ours')
  await compareWithPeft('ours')
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
