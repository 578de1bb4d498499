import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { machineLock } from '@regraft/engine'
import { z } from 'zod'
import { runStep, shortDigest } from '../lineage/index.ts'
import type { AdapterRecord } from '../models/index.ts'
import { defineOperation } from '../operation/index.ts'
import type { Execution, ProjectStore } from '../store/types.ts'
import { type Recipe, reportTraining, trainAdapter, trainingInputs } from '../training/index.ts'
import { renderVerdict, type Verdict } from '../verdict/index.ts'
import { findMissingInput } from './missing-input.ts'
import { type Registration, requireRegistration } from './registration.ts'

/** The content of a verdict artifact of a rebuild drill. */
interface RebuildRecord {
  registration: string
  verdict: Verdict
}

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
    const { digest, registration } = await requireRegistration(store, name)
    const conclude = async (verdict: Verdict, rebuilt: string | null) => {
      const value: RebuildRecord = { registration: digest, verdict }
      const record = await store.artifacts.put({ kind: 'verdict', schemaVersion: 1, value })
      const seconds = (performance.now() - started) / 1000
      return { record: record.digest, adapter: registration.adapter, rebuilt, seconds, verdict }
    }
    progress({ stage: 'look for every input' })
    const missing = await findMissingInput(store, config, registration)
    if (missing) return conclude(impossible(registration, missing), null)

    const recipe = await store.artifacts.read<Recipe>(registration.recipe)
    const clean = await mkdtemp(join(tmpdir(), 'regraft-rebuild-'))
    try {
      const step = trainAdapter({
        config,
        workFolder: clean,
        onEvent: (event) => reportTraining(context, event),
      })
      const { recipe: recipeDigest, base, snapshot } = registration
      const inputs = trainingInputs(recipeDigest, base.artifact, snapshot.artifact)
      const result = await runStep(
        { project: store, signal },
        step,
        { inputs, seed: recipe.training.seed },
        { bypassCache: true },
      )
      const rebuilt = result.digest('adapter')
      const verdict =
        rebuilt === registration.adapter
          ? reproduced(registration, result.execution.id)
          : await differs(store, registration, rebuilt, result.execution, recipe)
      return conclude(verdict, rebuilt)
    } finally {
      await rm(clean, { recursive: true, force: true })
    }
  },
})

function reproduced(registration: Registration, execution: string): Verdict {
  return {
    ...head(registration),
    outcome: 'pass',
    finding: 'REPRODUCED',
    reason: `the same bytes came out: adapter ${shortDigest(registration.adapter)}`,
    evidence: [registration.adapter, registration.execution, execution],
  }
}

function impossible(registration: Registration, missing: string): Verdict {
  return {
    ...head(registration),
    outcome: 'fail',
    finding: 'IMPOSSIBLE',
    reason: `first missing input — ${missing}`,
    evidence: [registration.adapter, registration.execution],
  }
}

/** Names what differs: the files, and the parts of the environment lock that may be why. */
async function differs(
  store: ProjectStore,
  registration: Registration,
  rebuilt: string,
  execution: Execution,
  recipe: Recipe,
): Promise<Verdict> {
  const before = await store.artifacts.read<AdapterRecord>(registration.adapter)
  const after = await store.artifacts.read<AdapterRecord>(rebuilt)
  const files = before.files.filter(
    ({ path, digest }) => after.files.find((file) => file.path === path)?.digest !== digest,
  )
  const recorded = registration.environment.lock as Record<string, unknown>
  const now = machineLock(recipe.training.threads) as unknown as Record<string, unknown>
  const changed = Object.keys(recorded).filter((part) => recorded[part] !== now[part])
  const cause =
    changed.length > 0
      ? `the lock differs in ${changed.map((part) => `${part} (${recorded[part]} then, ${now[part]} now)`).join(', ')}`
      : 'the lock is the same'
  return {
    ...head(registration),
    outcome: 'fail',
    finding: 'DIFFERS',
    reason: `${files.map(({ path }) => path).join(' and ')} came out with other bytes; ${cause}`,
    evidence: [registration.adapter, rebuilt, registration.execution, execution.id],
  }
}

function head({ name, version, seeds }: Registration) {
  return {
    title: `rebuild of ${name} v${version}`,
    n: 1,
    ...(seeds[0] === undefined ? {} : { seed: seeds[0] }),
    rerun: `regraft fleet rebuild ${name}`,
  }
}
