import { z } from 'zod'
import { RegraftError } from '../errors/index.ts'
import { EXAMPLE_KINDS } from '../signals/index.ts'
import { SPLITS } from './splits/index.ts'

export const BuildInput = z.object({
  for: z
    .enum(EXAMPLE_KINDS)
    .default('demonstrations')
    .describe(
      'what to learn from: right answers (sft), pairs (dpo, orpo, simpo), answers marked good or bad (kto)',
    ),
  task: z
    .string()
    .optional()
    .describe('task of regraft.yaml: only its rows, its evaluation suite and its consent'),
  evaluation: z.string().optional().describe('sealed suite to keep out; else the only one there is'),
  holdout: z
    .number()
    .gt(0)
    .max(0.5)
    .default(0.2)
    .describe('without a suite: share of the rows to seal as one'),
  fresh: z
    .number()
    .gt(0)
    .max(0.5)
    .optional()
    .describe('share of the newest rows to seal as the fresh suite of this cycle, beside the other suite'),
  splitBy: z
    .enum(SPLITS)
    .default('time')
    .describe(
      'what is held out: the newest rows, whole end users and conversations, or of every label alike',
    ),
  validation: z.number().min(0).max(0.5).default(0.1).describe('share of the training rows for validation'),
  uncalibrated: z
    .boolean()
    .default(false)
    .describe('take pairs and ratings from rules that nobody has calibrated (`regraft signals calibrate`)'),
  weights: z
    .enum(['propensity', 'none'])
    .optional()
    .describe(
      'weigh examples by how probable it was that they would bear feedback, and cap heavy users; else so for pairs and ratings',
    ),
  since: z.iso
    .datetime()
    .optional()
    .describe('only rows from this time on are new; older ones come in by --replay'),
  replay: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('share of the training rows to draw from rows older than --since'),
  general: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('share of the training rows to draw from the rows of --general-task'),
  generalTask: z.string().optional().describe('task of the general rows that --general draws from'),
  canaries: z
    .int()
    .min(0)
    .max(1000)
    .default(0)
    .describe('made-up facts to plant among the training rows, for `regraft gates exposure`'),
  canaryRepeats: z.int().min(1).max(100).default(1).describe('times that each canary is planted'),
  nearDuplicates: z
    .number()
    .min(0)
    .max(1)
    .default(0.7)
    .describe('leave out rows so similar (word-bigram Jaccard) to one with the same answer †; 0 keeps them'),
  paraphrase: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe(
      'leave out rows at least so similar to an evaluation item; else paraphrase.threshold of regraft.yaml, else they are only counted',
    ),
  embedder: z
    .string()
    .optional()
    .describe('what measures similarity: built-in, none, or a name of embedders in regraft.yaml'),
  pii: z
    .enum(['mask', 'flag', 'drop'])
    .optional()
    .describe(
      'personal data in rows: mask it, flag it, or drop the row; else privacy.pii of regraft.yaml (mask †)',
    ),
  consent: z.string().optional().describe("what the people whose words these are agreed to; else the task's"),
  seed: z.int().default(1).describe('seed of whatever is drawn by chance'),
})
export type BuildInput = z.output<typeof BuildInput>

/** Refuses options that do not fit each other. */
export function checkOptions(input: BuildInput): void {
  const { since, replay, general, generalTask, canaries } = input
  const refuse = (message: string, hint: string) => {
    throw new RegraftError('invalid-input', message, { hint })
  }
  if (replay + general >= 1)
    refuse('--replay and --general leave no room for new rows', 'make their sum smaller')
  if (replay > 0 && since === undefined) {
    refuse(
      '--replay draws from rows older than --since',
      'add --since, for example --since 2026-11-01T00:00:00Z',
    )
  }
  if (general > 0 && generalTask === undefined) {
    refuse(
      '--general needs the task of the general rows',
      'add --general-task <task>, and import them with --task',
    )
  }
  if (canaries > 0 && input.for !== 'demonstrations') {
    refuse('--canaries are answers to learn', 'leave out --canaries, or build --for demonstrations')
  }
}
