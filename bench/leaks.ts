// Recall of the firewall's n-gram rungs on planted leaks, and false drops on legitimate rows.
//
//   node bench/leaks.ts [--seed 2] [--data ../shared/data]
//
// banking77: every test item is an evaluation item and is planted once per kind; the training rows are the legitimate
// ones, without those that really repeat a test item (word-bigram Jaccard from 0.8 to one, by comparing all pairs).
// Lengths and thresholds of the rungs were chosen on banking77 with seed 1. self-instruct-seed (175 long items with
// answers) against llmbar (419 instructions, 838 answers) was looked at once, afterwards.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  type Interval,
  ItemScreen,
  jaccard,
  Random,
  type ScreenItem,
  shingler,
  wilsonInterval,
} from '@regraft/methods'
import { readBanking77 } from './banking77-rows.ts'
import { HARDER_LEAKS, LEAKS, type Leak } from './leaked-rows.ts'
import { describeMachine } from './measure.ts'

const { values } = parseArgs({
  options: { seed: { type: 'string', default: '2' }, data: { type: 'string', default: '../shared/data' } },
})
const seed = Number(values.seed)

interface Row {
  prompt: string
  answer: string | null
}

console.log(describeMachine())
const banking = readBanking77(join(values.data, 'banking77'))
report(
  `banking77, seed ${seed}`,
  banking.test.map(({ id, text }) => ({ id, prompt: text, answer: null })),
  banking.train.map(({ text }) => ({ prompt: text, answer: null })),
)
report(`self-instruct-seed against llmbar, seed ${seed}`, readSelfInstruct(), readLlmbar())

function report(name: string, items: ScreenItem[], rows: Row[]): void {
  const screen = new ItemScreen(items)
  const legitimate = withoutCopies(rows, items)
  const carriers = legitimate.map(({ prompt }) => prompt)
  console.log(
    `\n${name}: ${items.length} items, ${rows.length} rows, ${legitimate.length} of them legitimate`,
  )
  const totals = { found: 0, planted: 0 }
  for (const [kind, leak] of Object.entries(LEAKS)) {
    const { found, planted } = plant(screen, items, leak, kind, carriers)
    totals.found += found
    totals.planted += planted
    console.log(line(kind, found, planted, items.length - planted))
  }
  console.log(line('all of these', totals.found, totals.planted))
  for (const [kind, leak] of Object.entries(HARDER_LEAKS)) {
    const { found, planted } = plant(screen, items, leak, kind, carriers)
    console.log(line(`(${kind})`, found, planted, items.length - planted))
  }
  const answered = items.filter(({ answer }) => answer !== null)
  if (answered.length > 0) {
    const { found, planted } = plantAnswers(screen, answered, legitimate)
    console.log(line('answer under another prompt', found, planted))
  }
  const dropped = legitimate.filter((row) => screen.match(row).length > 0)
  console.log(line('false drops', dropped.length, legitimate.length))
  const byRung = new Map<string, number>()
  for (const row of dropped) {
    for (const rung of new Set(screen.match(row).flatMap(({ rungs }) => rungs)))
      byRung.set(rung, (byRung.get(rung) ?? 0) + 1)
  }
  console.log(`  by rung: ${[...byRung].map(([rung, count]) => `${rung} ${count}`).join(', ')}`)
  const long = Array.from({ length: Math.floor(legitimate.length / 5) }, (_, index) => {
    const five = legitimate.slice(5 * index, 5 * index + 5)
    return { prompt: five.map(({ prompt }) => prompt).join(' '), answer: null }
  })
  console.log(
    line(
      'false drops of five rows in one',
      long.filter((row) => screen.match(row).length > 0).length,
      long.length,
    ),
  )
  for (const { rung, text, words, covered, tooShort, repeated } of screen.coverage()) {
    const shared = repeated > 0 ? `, ${repeated} shared by several items` : ''
    console.log(`  ${rung}, ${text}s: ${covered} covered, ${tooShort} under ${words} words${shared}`)
  }
}

/** Plants each item once; found when the row overlaps that very item. */
function plant(screen: ItemScreen, items: ScreenItem[], leak: Leak, kind: string, carriers: string[]) {
  const random = new Random(seed, `leak ${kind}`)
  let [found, planted] = [0, 0]
  for (const { id, prompt } of items) {
    const text = leak(prompt, random, carriers)
    if (text === null) continue
    planted++
    if (screen.match({ prompt: text, answer: null }).some((overlap) => overlap.id === id)) found++
  }
  return { found, planted }
}

function plantAnswers(screen: ItemScreen, items: ScreenItem[], legitimate: Row[]) {
  const random = new Random(seed, 'answers')
  const found = items.filter(({ id, answer }) => {
    const row = { prompt: random.choice(legitimate).prompt, answer }
    return screen.match(row).some((overlap) => overlap.id === id)
  })
  return { found: found.length, planted: items.length }
}

/** The rows whose prompt has a word-bigram Jaccard similarity below 0.8 to every item, and whose answer is no item's. */
function withoutCopies(rows: Row[], items: ScreenItem[]): Row[] {
  const take = shingler()
  const known = items.map(({ prompt }) => take(prompt))
  const answers = new Set(items.flatMap(({ answer }) => (answer === null ? [] : [take(answer).key])))
  const holders = new Map<number, number[]>()
  for (const [index, { shingles }] of known.entries()) {
    for (const shingle of shingles) {
      const list = holders.get(shingle) ?? []
      if (list.push(index) === 1) holders.set(shingle, list)
    }
  }
  return rows.filter(({ prompt, answer }) => {
    if (answer !== null && answers.has(take(answer).key)) return false
    const { shingles } = take(prompt)
    const near = new Set([...shingles].flatMap((shingle) => holders.get(shingle) ?? []))
    return [...near].every((index) => jaccard(shingles, known[index]!.shingles) < 0.8)
  })
}

function line(kind: string, count: number, of: number, left = 0): string {
  const more = left > 0 ? `; ${left} items are too short to be changed so little` : ''
  return `  ${kind.padEnd(46)} ${String(count).padStart(5)} of ${of}: ${percent(wilsonInterval(count, of))}${more}`
}

function percent({ estimate, low, high }: Interval): string {
  const show = (share: number) => (100 * share).toFixed(2)
  return `${show(estimate)} % (95 %: ${show(low)} to ${show(high)})`
}

function readJsonl(path: string): Record<string, unknown>[] {
  const text = readFileSync(join(values.data, path), 'utf8')
  return text
    .trim()
    .split('\n')
    .map((row) => JSON.parse(row) as Record<string, unknown>)
}

function readSelfInstruct(): ScreenItem[] {
  return readJsonl('self-instruct-seed/seed_tasks.jsonl').map(({ id, instruction, instances }) => {
    const [{ input, output }] = instances as [{ input: string; output: string }]
    return { id: String(id), prompt: `${instruction}${input === '' ? '' : `\n${input}`}`, answer: output }
  })
}

function readLlmbar(): Row[] {
  const files = ['natural', 'neighbor', 'gptinst', 'gptout', 'manual']
  return files
    .flatMap((name) => readJsonl(`llmbar/${name}.jsonl`))
    .flatMap(({ input, output_1, output_2 }) =>
      [output_1, output_2].map((answer) => ({ prompt: String(input), answer: String(answer) })),
    )
}
