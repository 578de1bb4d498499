// Faults planted in the merge of a real adapter (rank-stabilised, with ranks and alphas of single modules, written by PEFT:
// bench/golden/pico-adapters): the real engine answers from the faulty weights, and the gate finds each and names the pair.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { distributionDistance } from '@regraft/methods'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Adapter, mergeAdapter, openBase, readAdapter } from '../../packages/engine/src/formats/index.ts'
import { writePicoBase } from '../../packages/engine/src/formats/pico-base.ts'
import type { LoraTensors } from '../../packages/engine/src/formats/types.ts'
import { Answerer, type AnswererOptions } from '../../packages/engine/src/generation/answers.ts'
import { type Form, Requirement } from '../../packages/regraft/src/config/index.ts'
import { evidenceOf, RULES } from '../../packages/regraft/src/gates/fixtures/evidence.ts'
import type { FormDistance, MeasuredItem } from '../../packages/regraft/src/gates/measurement.ts'
import { type Draft, decideRequirement } from '../../packages/regraft/src/gates/requirements/index.ts'

const ADAPTER = fileURLToPath(new URL('../../bench/golden/pico-adapters/patterned', import.meta.url))
const PROMPTS = Array.from({ length: 60 }, (_, i) => [
  { role: 'user', content: `${['where', 'is', 'the', 'card', 'that', 'error'][i % 6]} ${i}` },
])
const folder = mkdtempSync(join(tmpdir(), 'regraft-parity-'))
const adapter = readAdapter(ADAPTER)
let reference: Answered

interface Answered {
  distributions: Float32Array[]
  answers: string[]
}

beforeAll(async () => {
  writePicoBase(join(folder, 'pico'))
  reference = await ask(null, ADAPTER)
})
afterAll(() => rmSync(folder, { recursive: true }))

/** What the engine says with an adapter merged into the weights, or applied at run time. */
async function ask(
  merged: Adapter | null,
  applied: string | null,
  options: Partial<AnswererOptions> = {},
): Promise<Answered> {
  const opened = openBase(join(folder, 'pico'))
  const base = merged ? mergeAdapter(opened, merged) : opened
  const answerer = new Answerer({ base, threads: 1, reusePrefixes: false, ...options })
  if (applied) await answerer.loadAdapter('a', applied)
  const request = { adapter: applied ? 'a' : null, conversations: PROMPTS }
  const distributions = await answerer.nextTokens(request)
  const answers = (await answerer.generate({ ...request, maxTokens: 3 })).map(({ text }) => text)
  await answerer.close()
  opened.close()
  return { distributions, answers }
}

function changed(change: (module: string, tensors: LoraTensors) => LoraTensors | null): Adapter {
  const modules = [...adapter.modules].flatMap(([name, tensors]) => {
    const kept = change(name, tensors)
    return kept ? [[name, kept] as const] : []
  })
  return { ...adapter, modules: new Map(modules) }
}

/** What the gate says of a form whose right answers are those of the reference. */
function judge(form: Exclude<Form, 'f32'>, found: Answered): Draft {
  const itemsOf = ({ answers }: Answered): MeasuredItem[] =>
    answers.map((answer, i) => {
      const correct = answer === reference.answers[i]
      return { id: String(i), answer, correct, score: correct ? 1 : 0 }
    })
  const probes: FormDistance['probes'] = reference.distributions.map((distribution, i) =>
    distributionDistance(distribution, found.distributions[i]!),
  )
  const evidence = evidenceOf({
    scores: { desk: {} },
    forms: { f32: { items: itemsOf(reference), probes: [] }, [form]: { items: itemsOf(found), probes } },
  })
  const settings = Requirement.parse({ require: 'parity', forms: [form], margin: 0.1 })
  return decideRequirement(settings, evidence, RULES)!
}

test('a right merge passes: the same answers, and only the order of sums differs', async () => {
  const verdict = judge('merged', await ask(adapter, null))
  expect(verdict.parts!.map(({ outcome }) => outcome)).toEqual(['pass', 'pass'])
  expect(verdict.parts![1]!.effect).toBeLessThan(1e-4)
  expect(verdict.title).toBe('merged, 32-bit floats against at run time, 32-bit floats')
})

const STABILISED: [string, Adapter][] = [
  ['scale applied twice', changed((_, tensors) => ({ ...tensors, scale: tensors.scale ** 2 }))],
  [
    'rank-stabilised scale forgotten',
    changed((_, tensors) => ({ ...tensors, scale: tensors.scale / Math.sqrt(tensors.rank) })),
  ],
  [
    'one module not merged',
    changed((name, tensors) => (name.endsWith('layers.1.mlp.down_proj') ? null : tensors)),
  ],
  [
    'alpha pattern ignored',
    changed((name, tensors) => (name.endsWith('q_proj') ? { ...tensors, scale: 3 / Math.sqrt(2) } : tensors)),
  ],
]
test.each(STABILISED)('%s: found, and the pair is named', async (_, faulty) => {
  const verdict = judge('merged', await ask(faulty, null))
  expect(verdict.outcome).toBe('fail')
  const found = verdict.parts!.filter(({ outcome }) => outcome === 'fail').map(({ title }) => title)
  expect(found).toContain('next tokens: merged, 32-bit floats against at run time, 32-bit floats')
})

test('8 bits pass where 4 bits are too coarse', async () => {
  const fine = judge('int8', await ask(null, ADAPTER, { precision: 'int8' }))
  const coarse = judge('int4', await ask(null, ADAPTER, { precision: 'int4' }))
  expect(fine.parts!.at(-1)!.outcome).toBe('pass')
  expect(coarse.outcome).toBe('fail')
})
