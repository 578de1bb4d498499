import { z } from 'zod'
import { shortDigest } from '../lineage/index.ts'
import { EXAMPLE_KINDS, type ExampleKind } from '../signals/index.ts'
import { describeCoverage } from './coverage.ts'
import { DROP_EXPLANATIONS } from './drop-explanations.ts'

const SHOWN_OVERLAPS = 12

export const BuildOutput = z.object({
  snapshot: z.string().describe('digest of the snapshot'),
  kind: z.enum(EXAMPLE_KINDS),
  suite: z.object({ digest: z.string(), name: z.string(), sealedNow: z.boolean() }),
  fresh: z
    .object({ digest: z.string(), name: z.string(), items: z.int() })
    .optional()
    .describe('the newest rows, sealed for this cycle'),
  train: z.int(),
  validation: z.int(),
  splitBy: z.enum(['time', 'chance', 'entity', 'stratified']),
  signals: z.record(z.string(), z.int()).describe('kept rows by the signal that they rest on'),
  calibration: z
    .string()
    .nullable()
    .describe('digest of the calibration of the signal rules; null where there was none'),
  weights: z
    .object({ examples: z.int(), effectiveSampleSize: z.number(), clipped: z.int() })
    .optional()
    .describe('examples that were weighed by who gives feedback, and how many equal ones they are worth'),
  replay: z
    .object({ past: z.number(), general: z.number() })
    .optional()
    .describe('shares of the training rows that were drawn from older and from general rows'),
  pii: z
    .object({
      mode: z.enum(['mask', 'flag', 'drop']),
      rows: z.int(),
      found: z.record(z.string(), z.int()),
    })
    .optional()
    .describe('rows with personal data, and pieces of it by kind'),
  paraphrases: z
    .array(
      z.object({
        measurement: z.string(),
        embedder: z.string(),
        threshold: z.number(),
        rows: z.int(),
        dropped: z.boolean(),
        judged: z.record(z.string(), z.int()).optional(),
      }),
    )
    .describe('rows that resemble an evaluation item and no other rung caught'),
  dropped: z.record(z.string(), z.int()).describe('rows left out, by reason'),
  overlaps: z.array(
    z.object({
      inference: z.string(),
      source: z.string().describe("'import:<file digest>:<line>' or 'serving'"),
      place: z.string().describe('the source in words'),
      item: z.string(),
      rungs: z.array(z.string()),
    }),
  ),
  coverage: z.array(
    z.object({
      rung: z.string(),
      text: z.enum(['prompt', 'answer']).optional(),
      words: z.int(),
      covered: z.int(),
      tooShort: z.int(),
      repeated: z.int().optional().describe('answers that several items share: not compared'),
    }),
  ),
})
export type BuildOutput = z.output<typeof BuildOutput>

const ROWS: Record<ExampleKind, string> = {
  demonstrations: 'rows',
  preferences: 'pairs',
  desirability: 'rated answers',
}

const SPLIT: Record<BuildOutput['splitBy'], string> = {
  time: 'the newest for validation',
  chance: 'split by chance: the rows have no times of their own',
  entity: 'nobody is on both sides',
  stratified: 'each label on both sides alike',
}

export function renderBuild(output: BuildOutput): string {
  const {
    snapshot,
    kind,
    suite,
    fresh,
    train,
    validation,
    splitBy,
    signals,
    dropped,
    overlaps,
    coverage,
    replay,
    pii,
  } = output
  const list = (counts: Record<string, number>) =>
    Object.entries(counts)
      .sort(([, a], [, b]) => b - a)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ')
  const lines = [
    `snapshot ${shortDigest(snapshot)}: ${train} ${ROWS[kind]} to train on, ${validation} for validation (${SPLIT[splitBy]})`,
    `  kept on: ${list(signals)}`,
    `  evaluation suite '${suite.name}' ${shortDigest(suite.digest)}${suite.sealedNow ? ' (sealed now from rows that were held out)' : ''}`,
    ...(fresh ? [`  fresh suite '${fresh.name}' ${shortDigest(fresh.digest)}: ${fresh.items} items`] : []),
    `  left out:${Object.keys(dropped).length === 0 ? ' nothing' : ''}`,
  ]
  for (const [reason, count] of Object.entries(dropped)) {
    lines.push(
      `    ${String(count).padStart(6)}  ${DROP_EXPLANATIONS[reason as keyof typeof DROP_EXPLANATIONS]}`,
    )
  }
  if (pii && pii.rows > 0) lines.push(`  personal data: ${describePii(pii)}`)
  if (output.calibration !== null) {
    lines.push(`  signal rules as calibrated in ${shortDigest(output.calibration)}`)
  }
  if (output.weights) {
    const { examples, effectiveSampleSize, clipped } = output.weights
    lines.push(
      `  weighed by who gives feedback: ${examples} examples are worth ${effectiveSampleSize} equal ones, ${clipped} weights clipped`,
    )
  }
  if (replay) {
    const percent = (share: number) => `${(share * 100).toFixed(1)} %`
    lines.push(`  replay: ${percent(replay.past)} older rows, ${percent(replay.general)} general rows`)
  }
  if (overlaps.length > 0) {
    lines.push(`  overlaps with the evaluation suite:`)
    for (const { place, item, rungs } of overlaps.slice(0, SHOWN_OVERLAPS)) {
      lines.push(`    ${place} repeats item ${item} (${rungs.join(', ')})`)
    }
    if (overlaps.length > SHOWN_OVERLAPS)
      lines.push(`    and ${overlaps.length - SHOWN_OVERLAPS} more: --json`)
  }
  lines.push(...describeCoverage(coverage))
  return lines.join('\n')
}

const DONE = { mask: 'masked in', flag: 'flagged in', drop: 'left out with' }

function describePii({ mode, rows, found }: NonNullable<BuildOutput['pii']>): string {
  const pieces = Object.entries(found).map(([kind, count]) => `${count} ${kind}`)
  return `${pieces.join(', ')}; ${DONE[mode]} ${rows} ${rows === 1 ? 'row' : 'rows'}`
}
