// Scorers from regraft.yaml to the verdict: the same adapter on the same suite, by an expression, by a judge that grades, and by
// one that compares and takes what it sees first.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writePicoBase } from '../../packages/engine/src/formats/pico-base.ts'
import type { Journals } from '../../packages/regraft/src/capture/index.ts'
import { loadConfig } from '../../packages/regraft/src/config/index.ts'
import { buildOperation } from '../../packages/regraft/src/datasets/build.ts'
import { sealOperation } from '../../packages/regraft/src/datasets/seal.ts'
import { checkOperation } from '../../packages/regraft/src/gates/check.ts'
import { type Judgement, startJudge } from '../../packages/regraft/src/gates/fixtures/judge-server.ts'
import { showOperation } from '../../packages/regraft/src/gates/show.ts'
import { EngineHost } from '../../packages/regraft/src/models/index.ts'
import type { OperationContext } from '../../packages/regraft/src/operation/index.ts'
import { quietCall } from '../../packages/regraft/src/operation/testing.ts'
import { inference } from '../../packages/regraft/src/store/spec/fixtures.ts'
import { openTestStore } from '../../packages/regraft/src/store/testing.ts'
import { runOperation } from '../../packages/regraft/src/training/run.ts'

const folder = mkdtempSync(join(tmpdir(), 'regraft-scorers-'))
let store: Awaited<ReturnType<typeof openTestStore>>
let engines: EngineHost
let judge: Awaited<ReturnType<typeof startJudge>>
beforeAll(async () => {
  store = await openTestStore()
  writePicoBase(join(folder, 'pico'))
  judge = await startJudge(decide)
})
afterAll(async () => {
  judge.close()
  await engines.close()
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Grades what holds the word, and prefers it; of two alike it takes the first. */
function decide({ answer, first, second }: Judgement): string {
  const isRight = (text: string | undefined) => text?.includes('card') === true
  if (answer !== undefined) return `GRADE: ${isRight(answer) ? 5 : 1}`
  return `BETTER: ${isRight(first) === isRight(second) || isRight(first) ? 'FIRST' : 'SECOND'}`
}

function contextWith(scorer: object): OperationContext {
  const { name: _, ...settings } = judge.settings
  const overrides = [
    { path: 'bases.pico.path', value: join(folder, 'pico'), option: 'test' },
    { path: 'judges.strict', value: settings, option: 'test' },
    { path: 'suites.desk', value: { scorer, maxTokens: 8 }, option: 'test' },
  ]
  const { config } = loadConfig({ folder, environment: { REGRAFT_DATA: join(folder, 'data') }, overrides })
  engines ??= new EngineHost(config, 'evaluation')
  const journals = { async drained() {} } as unknown as Journals
  return {
    store: store.project('scorers'),
    ...quietCall(),
    config,
    services: { journals, evaluationEngines: engines } as OperationContext['services'],
  }
}

test('one adapter is judged by an expression, by grades and by preferences, and each time the verdict is that of its scorer', async () => {
  const plain = contextWith({ kind: 'label-match' })
  const project = plain.store
  const lines = Array.from(
    { length: 40 },
    (_, index) => `is card ${index} there,card,${index % 2 ? 'mail' : 'chat'}`,
  )
  const { digest } = await project.blobs.put(Buffer.from(`text,label,channel\n${lines.join('\n')}\n`))
  const sealing = {
    file: { digest, name: 'items.csv' },
    as: 'desk',
    text: 'text',
    label: 'label',
    slice: ['channel'],
  }
  await sealOperation.run(plain, sealOperation.input.parse(sealing))
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
  await buildOperation.run(
    plain,
    buildOperation.input.parse({ consent: 'c', evaluation: 'desk', validation: 0 }),
  )
  const small = {
    base: 'pico',
    rank: 8,
    epochs: 20,
    learningRate: 0.02,
    batchSize: 4,
    threads: 1,
    maxLength: 96,
  }
  const { adapter } = await runOperation.run(plain, runOperation.input.parse(small))
  const check = async (scorer: object) => {
    const checked = await checkOperation.run(contextWith(scorer), checkOperation.input.parse({ adapter }))
    const measurement = checked.verdict.evidence[0]!
    return { checked, shown: await showOperation.run(contextWith(scorer), { measurement }) }
  }

  const matched = await check({ kind: 'regex', pattern: '^card' })
  expect(matched.checked.verdict.outcome).toBe('pass')
  expect(matched.shown.scorer).toMatchObject({ kind: 'regex', pattern: '^card' })
  expect(matched.shown.items.filter(({ slices }) => slices?.channel === 'mail')).toHaveLength(20)
  const contradicted = await check({ kind: 'regex', pattern: '^(?!card)' })
  expect(contradicted.checked.verdict.outcome).toBe('fail')

  const graded = await check({ kind: 'judge', judge: 'strict', rubric: 'Is it the right queue?' })
  expect(graded.checked.verdict.outcome).toBe('pass')
  expect(graded.checked.verdict.reason).toContain(
    'answers are scored by judge (correctFrom 0.75, highest 5, judge strict, lowest 1, rubric Is it the right',
  )
  expect(graded.shown.items.every(({ score }) => score === 1)).toBe(true)

  const compared = await check({ kind: 'pairwise', judge: 'strict' })
  expect(compared.checked.verdict.outcome).toBe('pass')
  expect(compared.shown.preferences).toMatchObject({ winRate: 1, ties: 0, orderDecided: 0 })

  const { items } = await project.artifacts.read<{ items: object[] }>(matched.shown.suite)
  expect(items).toHaveLength(40)
  const queries = await project.vault.queries(matched.shown.suite)
  const outside = queries.filter(({ details }) => details.outside === true)
  // Grades of the adapter and of the base, and the adapter's pairs; the base against itself asks nobody.
  expect(outside.map(({ rows: asked }) => asked)).toEqual([40, 40, 40])
  const asked = judge.asked.length
  await check({ kind: 'pairwise', judge: 'strict' })
  expect(judge.asked).toHaveLength(asked)
})
