import { expect, test } from 'vitest'
import { type Form, Requirement } from '../../config/index.ts'
import { answered, evidenceOf, RULES } from '../fixtures/evidence.ts'
import type { FormDistance, MeasuredItem } from '../measurement.ts'
import { type Draft, decideRequirement, needsOf } from './index.ts'

type Probe = FormDistance['probes'][number]

const near: Probe = { largest: 2e-5, divergence: 1e-9, variation: 1e-5, sameFirst: true }
const reference = answered(400, (i) => i % 5 > 0)

function judge(
  forms: Partial<Record<Exclude<Form, 'f32'>, { items?: MeasuredItem[]; probes?: Probe[] }>>,
  settings: object = {},
): Draft {
  const measured = Object.entries(forms).map(([form, { items = reference, probes = [near] }]) => {
    return [form, { items, probes }]
  })
  const evidence = evidenceOf({
    scores: { desk: {} },
    forms: { f32: { items: reference, probes: [] }, ...Object.fromEntries(measured) },
  })
  const parity = Requirement.parse({ require: 'parity', forms: Object.keys(forms), ...settings })
  return decideRequirement(parity, evidence, RULES)!
}

test('forms that agree on enough items pass, pair by pair, and the reference is measured once', () => {
  const verdict = judge({ merged: {}, int8: {} })
  expect(verdict.outcome).toBe('pass')
  expect(verdict.parts!.map(({ outcome, parts }) => [outcome, parts!.length])).toEqual([
    ['pass', 2],
    ['pass', 2],
  ])
  const needs = needsOf(Requirement.parse({ require: 'parity' }), {
    suite: 'desk',
    fresh: null,
    hasIncumbent: false,
  })
  expect(needs.filter(({ measure }) => measure === 'scores').map(({ form }) => form)).toEqual([
    'f32',
    'merged',
    'int8',
    'merged-int8',
  ])
})

test('a merge that answers better is a fault all the same; a quantised form may be better', () => {
  const better = answered(400, (i) => i % 5 > 0 || i % 2 === 0)
  const merged = judge({ merged: { items: better } })
  expect(merged.outcome).toBe('fail')
  expect(merged.parts![0]!.limits).toEqual([-0.02, 0.02])
  expect(judge({ int8: { items: better } }).outcome).toBe('pass')
  expect(judge({ int8: { items: answered(400, (i) => i % 5 > 1) } }).outcome).toBe('fail')
})

test('one probe that is off by more than rounding fails a merge, a mean shift of probabilities a quantised form', () => {
  const off = { ...near, largest: 0.004 }
  expect(judge({ merged: { probes: [near, off, near] } }).outcome).toBe('fail')
  expect(judge({ int8: { probes: [near, off, near] } }).outcome).toBe('pass')
  const shifted = { ...near, variation: 0.25 }
  const verdict = judge({ merged: {}, 'merged-int4': { probes: [shifted, near] } })
  expect(verdict.parts!.map(({ title, outcome }) => [title, outcome])).toEqual([
    ['merged, 32-bit floats against at run time, 32-bit floats', 'pass'],
    ['merged, then 4 bits against at run time, 32-bit floats', 'fail'],
  ])
  expect(verdict.parts![1]!.parts!.map(({ outcome }) => outcome)).toEqual(['pass', 'fail'])
})

test('few items cannot tell, and the number that could is that of equivalence', () => {
  const few = reference.slice(0, 40)
  const evidence = evidenceOf({
    scores: { desk: {} },
    forms: { f32: { items: few, probes: [] }, merged: { items: few, probes: [near] } },
  })
  const settings = Requirement.parse({ require: 'parity', forms: ['merged'] })
  const verdict = decideRequirement(settings, evidence, RULES)!
  expect(verdict).toMatchObject({ outcome: 'cannot-tell', n: 40 })
  expect(verdict.needed).toBeGreaterThan(150)
})
