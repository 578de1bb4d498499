// An orphan on real data and two real bases: an adapter on SmolLM2-135M-Instruct that has learned 847 rows of banking77 is
// adopted into a data directory that never saw them, labels other questions of train.csv, and is moved to Gemma 3 270M, beside
// an adapter that is trained there on the true rows (`fleet migrate`). Everything by the product's own commands; a second run goes
// on where the first one stopped. Hours on two cores.
//
//   node bench/rescue-banking77.ts SMOLLM2.gguf GEMMA3.gguf --folder FOLDER [--data folder] [--rows 3000]
//   node bench/rescue-banking77.ts --small --folder FOLDER     the same on regraft-nano and sample tickets, in minutes
//
// The 3,080 test rows are only answered; nothing is chosen on them: the learning rate is the product's re-check on the labelled rows.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import {
  generateEvaluation,
  generateTraffic,
  SYSTEM_PROMPT,
} from '../packages/regraft/samples/support-desk/traffic.ts'
import { readBanking77, selectSubset } from './banking77-rows.ts'
import { describeMachine } from './measure.ts'

interface Labelled {
  text: string
  label: string
}

/** What is moved, from where to where. */
interface Case {
  system: string
  /** Options of `training run`. */
  training: string
  maxTokens: number
  /** Files of the two bases. */
  from: string
  to: string
  train: Labelled[]
  test: Labelled[]
  /** What the orphan is asked. */
  prompts: string[]
  rows: number
  /** Further options of `fleet rescue` and `fleet migrate`. */
  rescue: string
  migrate: string
}

const { values, positionals } = parseArgs({
  options: {
    folder: { type: 'string' },
    data: { type: 'string' },
    rows: { type: 'string', default: '3000' },
    small: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})
if (!values.folder) throw new Error('usage: node bench/rescue-banking77.ts FROM.gguf TO.gguf --folder FOLDER')
const folder = resolve(values.folder)
const program = resolve(import.meta.dirname, '../packages/regraft/bin/regraft.js')
const [first, second] = [join(folder, 'first'), join(folder, 'second')]
const moved = values.small ? small() : banking()
prepare()

run(first, 'import train.csv --text text --label label --task skill')
run(first, 'datasets seal test.csv --as gold --text text --label label')
run(first, 'datasets build --task skill --validation 0 --embedder none')
run(first, `training run --base old ${moved.training}`)
run(first, `gates check --max-tokens ${moved.maxTokens}`)
run(first, 'fleet register skill')
if (!existsSync(join(folder, 'orphan'))) run(first, 'fleet export skill --out ../orphan')

run(second, 'fleet adopt ../orphan skill --base old --owner bench@example.com --deputy deputy@example.com')
run(second, 'import prompts.csv --text text --task skill')
run(second, 'datasets seal test.csv --as gold --text text --label label')
const rescued = run(
  second,
  `fleet rescue skill --to next --task skill --evaluation gold --rows ${moved.rows} ${moved.rescue}`,
) as Moved
// After the rescue, whose figures are the question: this one only says what the true rows would have given.
const onTrueRows = run(first, `fleet migrate skill --to next --margin 0.03 ${moved.migrate}`) as Moved

console.log(
  [
    describeMachine(),
    '',
    describe('migrated on the true rows', onTrueRows),
    '',
    describe('rescued', rescued),
  ].join('\n'),
)

interface Moved {
  seconds: number
  learningRate: number
  verdict: { outcome: string; reason: string; parts: { outcome: string; title: string; reason: string }[] }
}

function describe(name: string, { verdict, seconds, learningRate }: Moved): string {
  const parts = verdict.parts.map(({ outcome, title, reason }) => `  ${outcome}: ${title}: ${reason}`)
  const head = `${name}: ${verdict.outcome}, ${(seconds / 60).toFixed(1)} min, learning rate ${learningRate}`
  return [head, ...parts, ...verdict.reason.split('\n').map((line) => `  ${line}`)].join('\n')
}

function banking(): Case {
  const [from, to] = positionals
  if (!from || !to) throw new Error('two GGUF files are needed: SmolLM2-135M-Instruct and Gemma 3 270M')
  const data = readBanking77(values.data)
  const train = selectSubset(data)
  const known = new Set(train.map(({ id }) => id))
  const worded = (rows: readonly Labelled[]) =>
    rows.map(({ text, label }) => ({ text, label: wording(label) }))
  return {
    ...{ system: 'Which intent?', maxTokens: 16, from: resolve(from), to: withGemmaTemplate(resolve(to)) },
    training: '--rank 32 --epochs 8 --learning-rate 0.0005 --batch-size 16 --max-length 128',
    ...{ train: worded(train), test: worded(data.test), rows: Number(values.rows) },
    prompts: data.train.filter(({ id }) => !known.has(id)).map(({ text }) => text),
    rescue: '--rank 32 --epochs 4 --learning-rate 0.0005',
    // At the recorded rate: the re-check would take ten minutes more.
    migrate: '--keep-rate',
  }
}

/** The wheel's GGUF of Gemma 3 270M has no chat template: Gemma's turns, with what the system says before the first question. */
function withGemmaTemplate(path: string): string {
  const own = join(folder, 'next')
  mkdirSync(own, { recursive: true })
  const linked = join(own, 'gemma-3-270m.gguf')
  if (!existsSync(linked)) symlinkSync(path, linked)
  const lines = [
    "{%- set system = messages[0]['content'] + '\n\n' if messages[0]['role'] == 'system' else '' -%}",
    "{%- set turns = messages[1:] if messages[0]['role'] == 'system' else messages -%}",
    '{{ bos_token }}',
    '{%- for message in turns -%}',
    "{{ '<start_of_turn>' + ('model' if message['role'] == 'assistant' else 'user') + '\n' }}",
    "{{- (system if loop.first else '') + message['content'] | trim + '<end_of_turn>\n' }}",
    '{%- endfor -%}',
    "{%- if add_generation_prompt -%}{{ '<start_of_turn>model\n' }}{%- endif -%}",
  ]
  writeFileSync(join(own, 'chat_template.jinja'), lines.join('\n'))
  return linked
}

/** 'card_arrival' → 'card arrival': whole words, which the bases know. */
function wording(label: string): string {
  return label.replaceAll('_', ' ').replaceAll('?', '').toLowerCase()
}

/** Two bases from regraft-nano: the second with fewer merges and another chat template. */
function small(): Case {
  const bundled = resolve(import.meta.dirname, '../packages/regraft/bases/regraft-nano')
  const [from, to] = [join(folder, 'old'), join(folder, 'next')]
  if (!existsSync(to)) {
    cpSync(bundled, from, { recursive: true })
    cpSync(bundled, to, { recursive: true })
    change(join(to, 'tokenizer.json'), (tokenizer: { model: { merges: unknown[] } }) => {
      tokenizer.model.merges = tokenizer.model.merges.slice(0, -1500)
    })
    change(join(to, 'tokenizer_config.json'), (settings: { chat_template: string }) => {
      settings.chat_template = settings.chat_template.replace("message['role']", "message['role'] + ':'")
    })
  }
  const ticket = (size: number, seed: number) => generateEvaluation({ seed, count: size, size })
  return {
    ...{ system: SYSTEM_PROMPT, training: '--epochs 4 --learning-rate 0.003', maxTokens: 8, from, to },
    ...{ train: ticket(400, 5), test: ticket(300, 6), rows: 600 },
    prompts: generateTraffic({ seed: 7, count: 800 }).rows.map(({ messages }) => messages[1]!.content),
    ...{ rescue: '--epochs 4 --learning-rate 0.003', migrate: '' },
  }
}

function change<Value>(path: string, edit: (value: Value) => void): void {
  const value = JSON.parse(readFileSync(path, 'utf8')) as Value
  edit(value)
  writeFileSync(path, JSON.stringify(value))
}

function prepare(): void {
  for (const own of [first, second]) {
    mkdirSync(own, { recursive: true })
    writeFileSync(join(own, 'test.csv'), csv(moved.test))
    writeFileSync(
      join(own, 'regraft.yaml'),
      [
        `bases: { old: { path: '${moved.from}' }, next: { path: '${moved.to}' } }`,
        `tasks: { skill: { system: '${moved.system}', evaluation: gold, consent: 'a benchmark' } }`,
        `suites: { gold: { maxTokens: ${moved.maxTokens} } }`,
        'owners: { owner: bench@example.com, deputy: deputy@example.com }',
        '',
      ].join('\n'),
    )
  }
  writeFileSync(join(first, 'train.csv'), csv(moved.train))
  writeFileSync(
    join(second, 'prompts.csv'),
    `text\n${moved.prompts.map((text) => `${quoted(text)}\n`).join('')}`,
  )
}

function csv(rows: readonly Labelled[]): string {
  return `text,label\n${rows.map(({ text, label }) => `${quoted(text)},${quoted(label)}\n`).join('')}`
}

function quoted(text: string): string {
  return `"${text.trim().replaceAll('"', '""')}"`
}

/** Runs a command of the product once; its answer is kept, so that a second run goes on where the first one stopped. */
function run(own: string, line: string): unknown {
  const words = line.trim().split(/\s+/)
  const kept = join(own, `${words.slice(0, 2).join('-').replaceAll('.', '-')}.json`)
  if (!existsSync(kept)) {
    console.error(`$ regraft ${line}`)
    const output = execFileSync(process.execPath, [program, ...words, '--json'], {
      ...{ cwd: own, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 64 * 1024 * 1024 },
    })
    writeFileSync(kept, output)
  }
  return JSON.parse(readFileSync(kept, 'utf8'))
}
