import { rm } from 'node:fs/promises'
import { machineLock } from '@regraft/engine'
import { z } from 'zod'
import { makeWorkFolder } from '../config/index.ts'
import { runStep } from '../lineage/index.ts'
import { defineOperation } from '../operation/index.ts'
import { type Recipe, trainAdapter, trainingReporter } from '../training/index.ts'
import { renderVerdict, type Verdict } from '../verdict/index.ts'
import { judgeRebuild, type RebuildFinding, type RebuildRecord } from './judge-rebuild.ts'
import { logDrill } from './log-drill.ts'
import { findMissingInput, recordedInputs } from './missing-input.ts'
import { requireRegistration, requireTrained } from './registration.ts'

/** Trains a registered adapter again from its record alone and compares the bytes. */
export const rebuildOperation = defineOperation({
  name: 'fleet rebuild',
  effect: 'write',
  scope: 'write',
  mode: 'job',
  heavy: true,
  summary: 'Rebuild a registered adapter in a clean directory from its record alone and compare the bytes',
  input: z.object({ name: z.string().describe('name of the registered adapter') }),
  output: z.object({
    record: z.string().describe('digest of the verdict'),
    adapter: z.string().describe('digest of the registered adapter'),
    rebuilt: z
      .string()
      .nullable()
      .describe('digest of the adapter that came out; null when it was impossible'),
    seconds: z.number(),
    verdict: z.custom<Verdict>((value) => typeof value === 'object' && value !== null && 'outcome' in value),
  }),
  positionals: ['name'],
  example: 'regraft fleet rebuild routing',
  render: ({ verdict }) => renderVerdict(verdict),
  async run(context, { name }) {
    const { store, config, progress, signal } = context
    const started = performance.now()
    const { digest, registration: current } = await requireRegistration(store, name)
    const registration = requireTrained(current)
    const conclude = async (found: RebuildFinding, rebuilt: string | null) => {
      const judged = await runStep({ project: store }, judgeRebuild, {
        inputs: [
          { role: 'registration', digest },
          ...(rebuilt === null ? [] : [{ role: 'rebuilt', digest: rebuilt }]),
        ],
        parameters: found,
      })
      const record = judged.digest('verdict')
      const { verdict } = await store.artifacts.read<RebuildRecord>(record)
      const seconds = (performance.now() - started) / 1000
      await logDrill(context, { digest, registration }, { action: 'drill', record, verdict, seconds })
      return { record, adapter: registration.adapter, rebuilt, seconds, verdict }
    }
    progress({ stage: 'look for every input' })
    const missing = await findMissingInput(store, config, registration)
    if (missing) return conclude({ missing, lock: null, execution: null }, null)

    const recipe = await store.artifacts.read<Recipe>(registration.recipe)
    const clean = await makeWorkFolder(config, 'rebuild')
    try {
      const step = trainAdapter({
        config,
        workFolder: clean,
        onEvent: trainingReporter(context),
      })
      const inputs = await recordedInputs(store, registration)
      const result = await runStep(
        { project: store, signal },
        step,
        { inputs, seed: recipe.training.seed },
        { bypassCache: true },
      )
      const lock = machineLock(recipe.training.threads)
      return await conclude(
        { missing: null, lock: { ...lock }, execution: result.execution.id },
        result.digest('adapter'),
      )
    } finally {
      await rm(clean, { recursive: true, force: true })
    }
  },
})
