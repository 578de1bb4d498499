// What keeping the frozen weights in fewer bits does to the loss, the time and the memory of a training: SmolLM2-135M on
// banking77, the same recipe with weights in f32, f16 and int8, one trainer process each.
//
//   node bench/weight-precision.ts MODEL.gguf [--rows 693] [--work .cache/weight-precision]
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { JOB_FILES, openBase, PROTOCOL_VERSION, runTrainer, type TrainingJob } from '@regraft/engine'
import { picoRecipe } from '../packages/engine/src/training/pico-recipe.ts'
import { type BankingRow, readBanking77, selectSubset, splitForTuning } from './banking77-rows.ts'
import { describeMachine } from './measure.ts'

const { values, positionals } = parseArgs({
  options: {
    work: { type: 'string', default: '.cache/weight-precision' },
    rows: { type: 'string', default: '693' },
  },
  allowPositionals: true,
})
const model = positionals[0] && resolve(positionals[0])
if (!model) throw new Error('usage: node bench/weight-precision.ts MODEL.gguf [--rows 693] [--work folder]')

const { fit, validation } = splitForTuning(selectSubset(readBanking77()))
const base = openBase(model)
const { digests } = base
base.close()
const lines = (rows: readonly BankingRow[]) =>
  rows
    .map(({ text, label }) => {
      const messages = [
        { role: 'system', content: 'Which intent?' },
        { role: 'user', content: text },
      ]
      return `${JSON.stringify({ messages, completion: label.replaceAll('_', ' ') })}\n`
    })
    .join('')

async function train(precision: 'f32' | 'f16' | 'int8', learningRate: number, rows: number) {
  const folder = join(resolve(values.work), `${precision}-${learningRate}`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const job: TrainingJob = {
    protocol: PROTOCOL_VERSION,
    kind: 'lora',
    base: { name: 'smollm2', path: model!, digests },
    recipe: picoRecipe({
      weightPrecision: precision,
      learningRate,
      epochs: 1,
      batchSize: 16,
      maxLength: 128,
      threads: 2,
      lora: {
        rank: 32,
        alpha: 64,
        targetModules: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
      },
    }),
    identity: folder,
    checkpointSeconds: 3600,
  }
  writeFileSync(join(folder, JOB_FILES.job), JSON.stringify(job))
  writeFileSync(join(folder, JOB_FILES.train), lines(fit.slice(0, rows)))
  writeFileSync(join(folder, JOB_FILES.validation), lines(validation))
  const result = await runTrainer(folder)
  rmSync(folder, { recursive: true, force: true })
  return result
}

console.log(describeMachine())
console.log(
  '| weights | validation loss before | after one epoch | mean training loss | time | peak memory |',
)
console.log('|---|---|---|---|---|---|')
for (const precision of ['f32', 'f16', 'int8'] as const) {
  // A rate that changes nothing: the validation loss of the base.
  const { summary: before } = await train(precision, 1e-12, 16)
  const { summary, seconds, peakMemoryBytes } = await train(precision, 5e-4, Number(values.rows))
  const { losses, validationLosses } = summary
  const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length
  const figures = [before.validationLosses[0]!, validationLosses[0]!, mean].map((loss) => loss.toFixed(4))
  const cost = [`${seconds.toFixed(0)} s`, `${(peakMemoryBytes / 1e6).toFixed(0)} MB`]
  console.log(`| ${[precision, ...figures, ...cost].join(' | ')} |`)
}
