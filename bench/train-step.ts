// Time and peak memory of a LoRA training step on SmolLM2-135M, against PyTorch + PEFT on the same threads. Every
// variant is a process of its own; their steps take turns, so that all see the same machine.
//
//   node scripts/parity/setup.ts                       (torch, transformers, PEFT and the model, under .cache/)
//   node bench/train-step.ts [--rounds 12] [--threads 2] [--rank 8] [--shape 1x256]
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { trainerEnvironment } from '@regraft/engine/internals'
import { fetchModel } from '../scripts/parity/fetch-model.ts'
import { describeMachine, describeRuns } from './measure.ts'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '12' },
    threads: { type: 'string', default: '2' },
    rank: { type: 'string', multiple: true, default: ['8', '32'] },
    shape: { type: 'string', multiple: true, default: ['1x256', '4x128'] },
    variant: { type: 'string', multiple: true },
  },
})
const python = fileURLToPath(new URL('../.cache/parity-venv/bin/python', import.meta.url))
const yardstick = fileURLToPath(new URL('../scripts/parity/train_step.py', import.meta.url))
const worker = fileURLToPath(new URL('train-step-worker.ts', import.meta.url))
const model = fetchModel(python)

const YARDSTICK = 'torch + PEFT'
const VARIANTS: { name: string; command: (settings: string[]) => string[] }[] = [
  { name: YARDSTICK, command: (settings) => [python, yardstick, model, ...settings] },
  {
    name: 'torch + PEFT, checkpointing',
    command: (settings) => [python, yardstick, model, ...settings, 'checkpointing'],
  },
  ...['whole f32', 'layered f32', 'whole f16', 'layered f16', 'layered int8'].map((name) => ({
    name,
    command: (settings: string[]) => [
      process.execPath,
      '--expose-gc',
      worker,
      model,
      ...settings,
      ...name.split(' '),
    ],
  })),
]

interface Running {
  name: string
  child: ChildProcessWithoutNullStreams
  lines: Interface
  milliseconds: number[]
}

async function start(name: string, [program, ...args]: string[]): Promise<Running> {
  const env = program === process.execPath ? trainerEnvironment(process.env) : process.env
  const child = spawn(program!, args, { stdio: ['pipe', 'pipe', 'pipe'], env })
  let complaints = ''
  child.stderr.on('data', (text) => {
    complaints += text
  })
  const lines = createInterface({ input: child.stdout })
  child.on('exit', (code) => {
    if (code === 0) return
    console.error(`${name} ended with ${code}: ${complaints}`)
    process.exit(1)
  })
  await once(lines, 'line')
  return { name, child, lines, milliseconds: [] }
}

/** One step; its time is measured inside the process. */
async function step({ child, lines }: Running): Promise<number> {
  const answer = once(lines, 'line')
  child.stdin.write('\n')
  const [line] = (await answer) as [string]
  return Number(line.split(' ')[1])
}

async function end({ child, lines }: Running): Promise<number> {
  const answer = once(lines, 'line')
  child.stdin.end()
  const [line] = (await answer) as [string]
  return Number(line.split(' ')[1])
}

console.log(describeMachine())
for (const rank of options.rank) {
  for (const shape of options.shape) {
    const [batch, length] = shape.split('x') as [string, string]
    console.log(
      `\nrank ${rank}, ${batch} × ${length} tokens, ${options.threads} threads, every token learned; milliseconds per step`,
    )
    const running: Running[] = []
    for (const { name, command } of VARIANTS) {
      if (options.variant && name !== YARDSTICK && !options.variant.includes(name)) continue
      running.push(await start(name, command([rank, batch, length, options.threads])))
    }
    // The first steps compile graphs and fill caches.
    for (let round = -2; round < Number(options.rounds); round++) {
      for (const variant of running) {
        const taken = await step(variant)
        if (round >= 0) variant.milliseconds.push(taken)
      }
    }
    const peaks: number[] = []
    for (const variant of running) peaks.push(await end(variant))
    for (const [i, { name, milliseconds }] of running.entries()) {
      const ratios = milliseconds.map((taken, round) => taken / running[0]!.milliseconds[round]!)
      console.log(
        `  ${name.padEnd(28)} ${describeRuns(milliseconds)}  time × ${describeRuns(ratios, 2)}` +
          `  peak ${(peaks[i]! / 1e6).toFixed(0)} MB, × ${(peaks[i]! / peaks[0]!).toFixed(2)}`,
      )
    }
  }
}
process.exit(0)
