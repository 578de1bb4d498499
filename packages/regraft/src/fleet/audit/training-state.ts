import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { readCardMetadata } from '../../models/index.ts'

/** What a training left in an adapter's folder. Pickles are named and never opened: they are programs. */
export interface TrainingState {
  /** Of trainer_state.json; null where there is none that can be read. */
  trainer: {
    step: number | null
    epoch: number | null
    maxSteps: number | null
    batchSize: number | null
    bestMetric: number | null
    lastLoss: number | null
  } | null
  /** Pickles, with their sizes: training_args.bin, optimizer.pt … */
  pickles: { name: string; bytes: number }[]
  checkpoints: string[]
  tokenizer: boolean
  chatTemplate: boolean
  /** Metadata block of README.md: base_model, license, datasets, tags …; null where there is none. */
  card: Record<string, unknown> | null
  /** The folder's newest change. */
  changedAt: string
}

const LARGEST_JSON = 64 * 1024 * 1024

export function readTrainingState(folder: string): TrainingState {
  const entries = readdirSync(folder, { withFileTypes: true })
  const files = entries.flatMap((entry) => {
    const found = statSync(join(folder, entry.name), { throwIfNoEntry: false })
    return found?.isFile() ? [{ name: entry.name, bytes: found.size, changed: found.mtimeMs }] : []
  })
  const tokenizerConfig = readJson(folder, 'tokenizer_config.json')
  return {
    trainer: readTrainer(folder),
    pickles: files
      .filter(({ name }) => /\.(bin|pt|pth|pkl|ckpt)$/i.test(name))
      .map(({ name, bytes }) => ({ name, bytes })),
    checkpoints: entries
      .filter((entry) => entry.isDirectory() && /^checkpoint-\d+$/.test(entry.name))
      .map(({ name }) => name)
      .sort((a, b) => stepOf(a) - stepOf(b)),
    tokenizer: existsSync(join(folder, 'tokenizer.json')),
    chatTemplate:
      existsSync(join(folder, 'chat_template.jinja')) || tokenizerConfig?.chat_template !== undefined,
    card: readCardMetadata(folder),
    changedAt: new Date(Math.max(...files.map(({ changed }) => changed), 0)).toISOString(),
  }
}

function stepOf(checkpoint: string): number {
  return Number(checkpoint.slice('checkpoint-'.length))
}

function readTrainer(folder: string): TrainingState['trainer'] {
  const state = readJson(folder, 'trainer_state.json')
  if (!state) return null
  const number = (key: string) => (typeof state[key] === 'number' ? state[key] : null)
  const history = Array.isArray(state.log_history) ? state.log_history : []
  const losses = history.flatMap((entry: { loss?: unknown } | null) =>
    typeof entry?.loss === 'number' ? [entry.loss] : [],
  )
  return {
    step: number('global_step'),
    epoch: number('epoch'),
    maxSteps: number('max_steps'),
    batchSize: number('train_batch_size'),
    bestMetric: number('best_metric'),
    lastLoss: losses.at(-1) ?? null,
  }
}

function readJson(folder: string, name: string): Record<string, unknown> | null {
  const path = join(folder, name)
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found?.isFile() || found.size > LARGEST_JSON) return null
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return isRecord(value) ? value : null
  } catch {
    return null
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
