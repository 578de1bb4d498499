// The classic case on real data and a real base: 847 hand-labelled bank questions, 77 intents, a rank-32 adapter on
// SmolLM2-135M-Instruct, by the product's own commands. About an hour on two cores; every step resumes.
//
//   node bench/baselines-banking77.ts --out .cache/baselines-banking77.json
//   node bench/banking77.ts MODEL.gguf [--work .cache/banking77] [--data folder]
//
// Hyper-parameters were chosen on the validation part of the 847 rows (see docs/benchmarks.md); the 3,080 test rows are
// answered once. Prints the section of docs/benchmarks.md.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { InferenceProcess } from '@regraft/engine'
import { countPairs, pairedDifference, wilsonInterval } from '@regraft/methods'
import { type BankingRow, readBanking77, selectSubset } from './banking77-rows.ts'
import { describeMachine } from './measure.ts'

const SYSTEM = 'Which intent?'
const TRAINING = '--rank 32 --epochs 8 --learning-rate 0.0005 --batch-size 16 --max-length 128'.split(' ')
const LISTED_ROWS = 300

const { values, positionals } = parseArgs({
  options: { work: { type: 'string', default: '.cache/banking77' }, data: { type: 'string' } },
  allowPositionals: true,
})
const model = positionals[0] && resolve(positionals[0])
if (!model) throw new Error('usage: node bench/banking77.ts MODEL.gguf [--work folder] [--data folder]')
const work = resolve(values.work)
const program = resolve(import.meta.dirname, '../packages/regraft/bin/regraft.js')

const data = readBanking77(values.data)
const subset = selectSubset(data)
const intents = [...new Set(subset.map(({ label }) => wording(label)))].sort()
prepare()

const baselines = JSON.parse(readFileSync('.cache/baselines-banking77.json', 'utf8')) as {
  rows: { id: string; label: string; answers: Record<string, string> }[]
}
regraft('import', 'train.csv', '--text', 'text', '--label', 'intent', '--task', 'banking')
regraft('datasets', 'seal', 'test.csv', '--as', 'banking', '--text', 'text', '--label', 'intent')
regraft('datasets', 'build', '--task', 'banking', '--validation', '0')
const run = regraft('training', 'run', '--base', 'smollm2', ...TRAINING) as {
  adapter: string
  updates: number
  loss: number
  seconds: number
  peakMemoryBytes: number
}
const gate = regraft('gates', 'check', '--max-tokens', '16') as Gate
regraft('fleet', 'register', 'banking')
const drill = regraft('fleet', 'rebuild', 'banking') as { verdict: { finding: string }; seconds: number }
await report()

interface Gate {
  scores: { name: string; accuracy: number; low: number; high: number }[]
  verdict: { evidence: string[] }
}

/** 'card_arrival' → 'card arrival': whole words, which the base knows. */
function wording(label: string): string {
  return label.replaceAll('_', ' ').replaceAll('?', '').toLowerCase()
}

function prepare(): void {
  mkdirSync(work, { recursive: true })
  writeFileSync(join(work, 'train.csv'), csv(subset))
  writeFileSync(join(work, 'test.csv'), csv(data.test))
  writeFileSync(
    join(work, 'regraft.yaml'),
    [
      `bases: { smollm2: { path: '${model}' } }`,
      `tasks: { banking: { system: '${SYSTEM}', evaluation: banking, consent: 'CC BY 4.0, PolyAI' } }`,
      'owners: { owner: bench@example.com, deputy: deputy@example.com }',
      '',
    ].join('\n'),
  )
}

function csv(rows: readonly BankingRow[]): string {
  const lines = rows.map(({ text, label }) => `"${text.trim().replaceAll('"', '""')}","${wording(label)}"`)
  return `text,intent\n${lines.join('\n')}\n`
}

/** Runs a command of the product once; its answer is kept, so that a second run goes on where the first one stopped. */
function regraft(...words: string[]): unknown {
  const kept = join(work, `${words.slice(0, 2).join('-').replaceAll('.', '-')}.json`)
  if (!existsSync(kept)) {
    console.error(`$ regraft ${words.join(' ')}`)
    const output = execFileSync(process.execPath, [program, ...words, '--json'], {
      cwd: work,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      maxBuffer: 64 * 1024 * 1024,
    })
    writeFileSync(kept, output)
  }
  return JSON.parse(readFileSync(kept, 'utf8'))
}

/** Whether the adapter answered each test row, from the measurement that the gate made: by row id. */
function adapterAnswers(): Map<string, boolean> {
  const output = execFileSync(
    process.execPath,
    [program, 'gates', 'show', gate.verdict.evidence[0]!, '--json'],
    { cwd: work, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  )
  const { items } = JSON.parse(output) as { items: { id: string; correct: boolean }[] }
  const correct = new Map(items.map((item) => [item.id, item.correct]))
  return new Map(data.test.map((row) => [row.id, correct.get(itemId(row))!]))
}

/** The id of a row's item in the sealed suite: two rows with equal text and intent are one item. */
function itemId({ text, label }: BankingRow): string {
  const messages = [
    { role: 'system', content: SYSTEM },
    { role: 'user', content: text.trim() },
  ]
  return createHash('sha256')
    .update(JSON.stringify([messages, wording(label)]))
    .digest('hex')
    .slice(0, 16)
}

/** The untouched base, told all 77 intents: exact match on the first test rows by a fixed step. */
async function baseWithList(): Promise<{ right: number; n: number }> {
  const kept = join(work, 'base-with-list.json')
  if (existsSync(kept)) return JSON.parse(readFileSync(kept, 'utf8'))
  const step = data.test.length / LISTED_ROWS
  const rows = Array.from({ length: LISTED_ROWS }, (_, i) => data.test[Math.floor(i * step)]!)
  const system = `Answer with the intent of the question, one of: ${intents.join('; ')}.`
  const engine = await InferenceProcess.start({ path: model!, threads: cpus().length })
  const answers = await engine.generate({
    adapter: null,
    conversations: rows.map(({ text }) => [
      { role: 'system', content: system },
      { role: 'user', content: text.trim() },
    ]),
    maxTokens: 16,
  })
  await engine.close()
  const right = rows.filter(({ label }, i) => answers[i]!.text.trim().toLowerCase() === wording(label)).length
  writeFileSync(kept, JSON.stringify({ right, n: rows.length }))
  return { right, n: rows.length }
}

async function report(): Promise<void> {
  const listed = await baseWithList()
  const answers = adapterAnswers()
  const adapter = baselines.rows.map(({ id }) => answers.get(id)!)
  if (adapter.some((correct) => correct === undefined))
    throw new Error('a test row has no answer in the measurement')
  const line = (name: string, right: boolean[]) => {
    const { estimate, low, high } = wilsonInterval(right.filter(Boolean).length, right.length)
    const difference = pairedDifference(countPairs(adapter, right))
    const against =
      right === adapter
        ? ''
        : `${points(difference.estimate)} (${points(difference.low)} to ${points(difference.high)})`
    return `| ${name} | ${percent(estimate)} | ${percent(low)} to ${percent(high)} | ${against} |`
  }
  const [, base] = gate.scores
  const list = wilsonInterval(listed.right, listed.n)
  console.log(
    [
      describeMachine(),
      '',
      '| trained on the same 847 rows | accuracy on 3,080 test rows | 95 % interval | adapter minus it |',
      '|---|---|---|---|',
      line('**rank-32 adapter on SmolLM2-135M-Instruct**', adapter),
      ...Object.keys(baselines.rows[0]!.answers).map((name) =>
        line(
          name,
          baselines.rows.map((row) => row.answers[name] === row.label),
        ),
      ),
      '',
      `Base alone: ${percent(base!.accuracy)} [${percent(base!.low)}, ${percent(base!.high)}] with the same short prompt;`,
      `told all 77 intents ${percent(list.estimate)} [${percent(list.low)}, ${percent(list.high)}] of ${listed.n} rows.`,
      '',
      `Training: ${TRAINING.join(' ')}; prompt '${SYSTEM}', answer = the intent in words, greedy, exact match.`,
      `${run.updates} updates in ${(run.seconds / 60).toFixed(1)} min, peak memory ${(run.peakMemoryBytes / 1e6).toFixed(0)} MB,`,
      `last epoch's loss ${run.loss.toFixed(3)}; rebuild ${drill.verdict.finding} in ${(drill.seconds / 60).toFixed(1)} min.`,
    ].join('\n'),
  )
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

function points(share: number): string {
  return `${share > 0 ? '+' : ''}${(100 * share).toFixed(1)} points`
}
