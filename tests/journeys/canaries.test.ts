// Canaries from snapshot to verdict: an adapter that has met them again and again knows them, its base does not.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exposureTest } from '@regraft/methods'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writePicoBase } from '../../packages/engine/src/formats/pico-base.ts'
import type { Journals } from '../../packages/regraft/src/capture/index.ts'
import { loadConfig } from '../../packages/regraft/src/config/index.ts'
import { buildOperation } from '../../packages/regraft/src/datasets/build.ts'
import { canariesOf, type SnapshotManifest } from '../../packages/regraft/src/datasets/index.ts'
import { exposureOperation } from '../../packages/regraft/src/gates/exposure.ts'
import { type ExposureMeasurement, measureExposure } from '../../packages/regraft/src/gates/exposure-steps.ts'
import { runStep } from '../../packages/regraft/src/lineage/index.ts'
import { EngineHost } from '../../packages/regraft/src/models/index.ts'
import type { OperationContext } from '../../packages/regraft/src/operation/index.ts'
import { quietCall } from '../../packages/regraft/src/operation/testing.ts'
import { inference } from '../../packages/regraft/src/store/spec/fixtures.ts'
import { openTestStore } from '../../packages/regraft/src/store/testing.ts'
import { runOperation } from '../../packages/regraft/src/training/run.ts'

const folder = mkdtempSync(join(tmpdir(), 'regraft-canaries-'))
let store: Awaited<ReturnType<typeof openTestStore>>
let context: OperationContext
let engines: EngineHost

beforeAll(async () => {
  store = await openTestStore()
  writePicoBase(join(folder, 'pico'))
  const overrides = [{ path: 'bases.pico.path', value: join(folder, 'pico'), option: 'test' }]
  const { config } = loadConfig({ folder, environment: { REGRAFT_DATA: join(folder, 'data') }, overrides })
  engines = new EngineHost(config, 'evaluation')
  const journals = { async drained() {} } as unknown as Journals
  context = {
    store: store.project('canaries'),
    ...quietCall(),
    config,
    services: { journals, evaluationEngines: engines } as OperationContext['services'],
  }
})
afterAll(async () => {
  await engines.close()
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

test('an adapter that was trained on canaries knows them, and its base does not', async () => {
  const project = context.store
  const rows = Array.from({ length: 12 }, (_, index) => inference(`where is card ${index}`))
  await project.inferences.insert(rows)
  await project.feedback.insert(
    rows.map(({ id, occurredAt }) => ({
      id: id.replace(/^./, 'f'),
      inferenceId: id,
      occurredAt,
      payload: { type: 'label', value: 'card', author: null },
    })),
  )
  const plain = await buildOperation.run(context, buildOperation.input.parse({ consent: 'c' }))
  const built = await buildOperation.run(
    context,
    buildOperation.input.parse({ consent: 'c', canaries: 8, canaryRepeats: 10 }),
  )
  const manifest = await project.artifacts.read<SnapshotManifest>(built.snapshot)
  expect(manifest.rows.filter(({ origin }) => origin === 'canary')).toHaveLength(80)
  expect(await canariesOf(project, manifest)).toHaveLength(8)

  const small = {
    base: 'pico',
    rank: 8,
    epochs: 12,
    learningRate: 0.02,
    batchSize: 8,
    threads: 1,
    maxLength: 96,
  }
  const { adapter } = await runOperation.run(context, runOperation.input.parse(small))
  const { verdict, canaries } = await exposureOperation.run(
    context,
    exposureOperation.input.parse({ adapter, alternatives: 63 }),
  )
  expect(verdict).toMatchObject({ outcome: 'fail', n: 8 })
  expect(JSON.stringify(verdict)).not.toMatch(/\d{9}/)
  expect(canaries).toHaveLength(8)

  const { base } = await project.artifacts.read<{ base: string }>(adapter)
  const measured = await runStep({ project }, measureExposure({ engines }), {
    inputs: [
      { role: 'snapshot', digest: built.snapshot },
      { role: 'base', digest: base },
    ],
    parameters: { alternatives: 63 },
    seed: 1,
  })
  const { canaries: unknown } = await project.artifacts.read<ExposureMeasurement>(
    measured.digest('measurement'),
  )
  const test = exposureTest(
    unknown.map(({ rank }) => rank),
    63,
  )
  expect(test.pValue).toBeGreaterThan(0.05)

  const untouched = runOperation.input.parse({ ...small, snapshot: plain.snapshot, epochs: 1 })
  const other = await runOperation.run(context, untouched)
  await expect(
    exposureOperation.run(context, exposureOperation.input.parse({ adapter: other.adapter })),
  ).rejects.toMatchObject({ code: 'invalid-input', hint: expect.stringContaining('--canaries') })
})
