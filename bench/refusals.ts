// How often the rules for refusals are wrong: refusals that were written for this benchmark by somebody who was not looking at the
// rules, and answers of models to ordinary instructions (LLMBar, both outputs of each line), in which every hit is printed to be
// judged by a person.
//   node bench/refusals.ts <folder of LLMBar>
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { clopperPearsonInterval, findRefusal } from '../packages/methods/src/index.ts'

const percent = (share: number) => `${(100 * share).toFixed(1)} %`
function describe(count: number, n: number): string {
  const { estimate, low, high } = clopperPearsonInterval(count, n)
  return `${count} of ${n}, ${percent(estimate)} [${percent(low)}, ${percent(high)}]`
}

const refusals = readFileSync(join(import.meta.dirname, 'data/refusals-2.txt'), 'utf8')
  .trim()
  .split('\n')
const missed = refusals.filter((answer) => findRefusal(answer) === null)
console.log(`refusals found: ${describe(refusals.length - missed.length, refusals.length)}; missed:`)
for (const answer of missed) console.log(`  ${answer}`)

const folder = process.argv[2]
if (folder !== undefined) {
  const answers = readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').trim().split('\n'))
    .flatMap((line) => {
      const { output_1, output_2 } = JSON.parse(line) as { output_1: string; output_2: string }
      return [output_1, output_2]
    })
  const hits = answers.filter((answer) => findRefusal(answer) !== null)
  console.log(
    `called a refusal among answers to ordinary instructions: ${describe(hits.length, answers.length)}; they are:`,
  )
  for (const answer of hits) console.log(`  ${answer.replace(/\s+/g, ' ').slice(0, 150)}`)
}
