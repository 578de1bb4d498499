import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { renderVerdict, type Verdict } from './index.ts'

const gate: Verdict = {
  outcome: 'cannot-tell',
  title: 'tickets against its base',
  reason: 'The interval includes zero.',
  effect: 0.01234567,
  interval: { low: -0.02, high: 0.0445678, level: 0.95, method: 'paired bootstrap' },
  unit: 'accuracy',
  n: 40,
  needed: 687,
  seed: 7,
  parts: [
    {
      outcome: 'fail',
      title: 'slice billing',
      reason: 'Worse by 4 of 9.',
      n: 9,
      evidence: [],
      rerun: 'never shown',
    },
  ],
  evidence: ['a', 'b'],
  rerun: 'regraft gates check tickets',
}

test('a verdict shows outcome, figures, what would settle it, its parts and the command that decides again', () => {
  expect(renderVerdict(gate)).toBe(
    [
      'CANNOT TELL  tickets against its base',
      '  The interval includes zero.',
      '  effect 0.01235 accuracy, interval -0.02 to 0.04457 (95 % paired bootstrap), n 40, seed 7',
      '  about 687 items would settle it',
      '  FAIL  slice billing',
      '    Worse by 4 of 9.',
      '    n 9',
      '  evidence  2 items',
      '  rerun  regraft gates check tickets',
    ].join('\n'),
  )
})

test('power, and the slices with those that lost first', () => {
  const slice = {
    critical: false,
    n: 40,
    effect: 0,
    pooled: { estimate: 0.001, low: -0.05, high: 0.05 },
    p: 1,
  }
  const lost = { ...slice, effect: -0.3, pooled: { estimate: -0.2512, low: -0.4, high: -0.1 }, p: 0.0012 }
  const verdict: Verdict = {
    ...gate,
    power: { value: 0.6234, alternative: 'no difference' },
    slices: [
      { ...slice, slice: 'channel=chat', regressed: false },
      { ...lost, slice: 'channel=phone', critical: true, regressed: true },
    ],
  }
  expect(renderVerdict(verdict)).toContain(
    [
      '  power 62 %: no difference',
      '  FAIL  slice billing',
      '    Worse by 4 of 9.',
      '    n 9',
      '  slice  channel=phone  -0.3, pooled -0.25 [-0.4, -0.1], n 40, p 0.0012, critical  REGRESSED',
      '  slice  channel=chat   0, pooled 0.001 [-0.05, 0.05], n 40, p 1',
    ].join('\n'),
  )
})

test('a finding follows the outcome', () => {
  const verdict: Verdict = { ...gate, outcome: 'pass', finding: 'REPRODUCED', title: 'adapter 3fa9' }
  expect(renderVerdict(verdict).split('\n')[0]).toBe('PASS REPRODUCED  adapter 3fa9')
})

test('colour changes nothing but the colour', () => {
  const coloured = renderVerdict(gate, { color: true })
  expect(coloured).toContain('\u001b[33m')
  expect(stripVTControlCharacters(coloured)).toBe(renderVerdict(gate))
})
