// Forms of an adapter that PEFT wrote (bench/golden/pico-adapters) on the pico base, in the real engine.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openBase } from '@regraft/engine'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writePicoBase } from '../../packages/engine/src/formats/pico-base.ts'
import { loadConfig } from '../../packages/regraft/src/config/index.ts'
import { nameSuite } from '../../packages/regraft/src/datasets/suite.ts'
import { sealItems } from '../../packages/regraft/src/datasets/vault/index.ts'
import { gatesOf } from '../../packages/regraft/src/gates/gate-record.ts'
import type { FormDistance, SuiteMeasurement } from '../../packages/regraft/src/gates/measurement.ts'
import { parityOperation } from '../../packages/regraft/src/gates/parity.ts'
import {
  type AdapterRecord,
  EngineHost,
  findBase,
  recordBase,
  storeAdapterFiles,
} from '../../packages/regraft/src/models/index.ts'
import type { OperationContext } from '../../packages/regraft/src/operation/index.ts'
import { quietCall } from '../../packages/regraft/src/operation/testing.ts'
import { openTestStore } from '../../packages/regraft/src/store/testing.ts'
import { renderVerdict } from '../../packages/regraft/src/verdict/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'regraft-forms-'))
let store: Awaited<ReturnType<typeof openTestStore>>
let engines: EngineHost
let context: OperationContext
let adapter: string
beforeAll(async () => {
  store = await openTestStore()
  writePicoBase(join(folder, 'pico'))
  const { config } = loadConfig({
    ...{ folder, environment: { REGRAFT_DATA: join(folder, 'data') } },
    overrides: [{ path: 'bases.pico.path', value: join(folder, 'pico'), option: 'test' }],
  })
  engines = new EngineHost(config, 'evaluation')
  const project = store.project('forms')
  context = {
    store: project,
    ...quietCall(),
    config,
    services: { evaluationEngines: engines } as OperationContext['services'],
  }
  const base = await recordBase(project, findBase(config, 'pico'))
  const peft = fileURLToPath(new URL('../../bench/golden/pico-adapters/patterned', import.meta.url))
  const files = await storeAdapterFiles(project.blobs, peft)
  const record: AdapterRecord = { base: base.artifact.digest, recipe: null, snapshot: null, files }
  adapter = (await project.artifacts.put({ kind: 'adapter', schemaVersion: 1, value: record })).digest
  const clear = Array.from({ length: 12 }, (_, i) => {
    const messages = [{ role: 'user', content: `where is card ${i}` }]
    return { messages, expected: 'card', inference: null, subject: null }
  })
  const items = await sealItems(project.keys, 'desk', clear)
  const value = { name: 'desk', scoring: 'exact-match', items, leftOut: [] }
  const suite = await project.artifacts.put({ kind: 'suite', schemaVersion: 2, value })
  await nameSuite(project, 'desk', suite.digest)
})
afterAll(async () => {
  await engines.close()
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

test('forms are compared pair by pair, the merge is saved and opens again, and it is no look at the adapter', async () => {
  const { store: project } = context
  const save = join(folder, 'merged')
  const input = parityOperation.input.parse({
    ...{ adapter, evaluation: 'desk', forms: ['merged', 'int8'], maxTokens: 2, save },
  })
  const { verdict, record, saved } = await parityOperation.run(context, input)
  const pairs = verdict.parts!
  expect(pairs.map(({ title }) => title)).toEqual([
    'merged, 32-bit floats against at run time, 32-bit floats',
    'at run time on 8 bits against at run time, 32-bit floats',
  ])
  // Twelve items cannot show that nothing is lost, however well the forms agree; the probes can.
  expect(verdict.outcome).toBe('cannot-tell')
  expect(verdict.needed).toBeGreaterThan(100)
  expect(pairs.map(({ parts }) => parts!.at(-1)!.outcome)).toEqual(['pass', 'pass'])
  const [exact, rounded] = pairs.map(({ parts }) => parts!.at(-1)!.effect!)
  expect(exact).toBeLessThan(1e-4)
  expect(rounded).toBeGreaterThan(1e-4)
  expect(renderVerdict(verdict)).toContain('--forms merged --forms int8')

  const distance = await project.artifacts.read<FormDistance>(pairs[0]!.parts![1]!.evidence[0]!)
  expect(distance).toMatchObject({ measures: 'form-distance', form: 'merged', adapter })
  expect(distance.probes).toHaveLength(24)
  const scores = await project.artifacts.read<SuiteMeasurement>(pairs[1]!.parts![0]!.evidence[0]!)
  expect(scores).toMatchObject({ form: 'int8', adapter })
  // One query for each form, the reference included, and none for the probes.
  const suite = (await project.artifacts.list('suite'))[0]!.digest
  expect((await project.vault.queries(suite)).map(({ details }) => details.form ?? null)).toEqual([
    null,
    'merged',
    'int8',
  ])
  expect(await gatesOf(project, adapter)).toEqual([])
  expect(record).toMatch(/^sha256:/)

  expect(saved).toBe(save)
  expect(readdirSync(save)).toContain('model.safetensors')
  const opened = openBase(save)
  expect(opened.precision).toBe('F32')
  opened.close()
})
