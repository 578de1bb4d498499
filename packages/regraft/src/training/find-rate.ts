import { rm } from 'node:fs/promises'
import { runRangeTest } from '@regraft/engine'
import { z } from 'zod'
import { makeWorkFolder } from '../config/index.ts'
import { RegraftError } from '../errors/index.ts'
import { BUNDLED_BASE } from '../models/index.ts'
import { defineOperation } from '../operation/index.ts'
import { drawChart } from './chart.ts'
import { baseFile, writeJobFolder } from './job-folder.ts'
import { prepareReference, prepareTraining } from './prepare.ts'
import { RecipeOptions } from './recipe.ts'
import type { ReferenceMeasurement } from './reference.ts'
import { trainingReporter } from './report.ts'
import { readExamples } from './snapshot-examples.ts'
import { teacherOf } from './train-adapter.ts'

const Point = z.object({
  learningRate: z.number(),
  loss: z.number(),
  smoothed: z.number(),
  gradientNorm: z.number(),
})

export const findRateOperation = defineOperation({
  name: 'training find-rate',
  effect: 'write',
  scope: 'write',
  mode: 'job',
  heavy: true,
  summary: 'Try rising learning rates on a snapshot and suggest one (range test, Smith 2017)',
  input: z.object({
    snapshot: z.string().optional().describe('digest of the snapshot; else the newest for the loss'),
    base: z.string().default(BUNDLED_BASE).describe('base model, by its name in `models list`'),
    from: z.number().positive().default(1e-6).describe('first learning rate'),
    to: z.number().positive().default(0.1).describe('last learning rate'),
    updates: z.int().min(2).max(10_000).default(100).describe('how many rates are tried'),
    ...RecipeOptions.omit({
      learningRate: true,
      schedule: true,
      warmup: true,
      epochs: true,
      earlyStopping: true,
    }).shape,
  }),
  output: z.object({
    curve: z.array(Point),
    suggestion: z.number().nullable().describe('a peak learning rate; null where the loss fell nowhere'),
    diverged: z.boolean().describe('true when the loss left all bounds before the last rate'),
  }),
  example: 'regraft training find-rate --base regraft-nano --updates 60',
  render({ curve, suggestion, diverged }, { width }) {
    const chart = drawChart(
      [{ x: curve.map((point) => point.learningRate), y: curve.map((point) => point.smoothed) }],
      {
        width: Math.min(width, 100),
        height: 12,
        label: 'learning rate',
        logarithmic: true,
        mark: suggestion,
      },
    )
    const end = diverged ? '; the loss left all bounds after the last rate shown' : ''
    const advice =
      suggestion === null
        ? 'the loss fell at no rate: try a wider range, or look at the rows with `regraft training preview`'
        : `suggested: --learning-rate ${Number(suggestion.toPrecision(2))} (steepest fall, the upright line)`
    return `${chart}\n${curve.length} updates${end}\n${advice}`
  },
  async run(context, { from, to, updates, ...input }) {
    const { store, signal, config } = context
    if (from >= to) {
      throw new RegraftError('invalid-input', `the range from ${from} to ${to} is empty`, {
        hint: 'give --to a larger rate than --from',
        details: { param: 'to' },
      })
    }
    const options = RecipeOptions.parse(input)
    const chosen = { ...options, base: input.base, snapshot: input.snapshot }
    const prepared = await prepareTraining(context, chosen)
    const { recipe, base, snapshot } = prepared
    const reference = await prepareReference(context, prepared)
    const folder = await makeWorkFolder(config, 'rate')
    try {
      const teacher = recipe.teacher ? await teacherOf(store, config, recipe.teacher) : null
      await writeJobFolder(folder, {
        job: {
          kind: 'learning-rate-range',
          range: { from, to, updates },
          base: baseFile(base.record, base.path),
          recipe: recipe.training,
          identity: '',
          ...(teacher ? { teacher } : {}),
        },
        train: await readExamples(store, snapshot.manifest, 'train'),
        validation: [],
        ...(reference
          ? {
              reference: { ...(await store.artifacts.read<ReferenceMeasurement>(reference)), validation: [] },
            }
          : {}),
      })
      return await runRangeTest(folder, { signal, onEvent: trainingReporter(context) })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
})
