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

test('a finding follows the outcome', () => {
  const verdict: Verdict = { ...gate, outcome: 'pass', finding: 'REPRODUCED', title: 'adapter 3fa9' }
  expect(renderVerdict(verdict).split('\n')[0]).toBe('PASS REPRODUCED  adapter 3fa9')
})

test('colour changes nothing but the colour', () => {
  const coloured = renderVerdict(gate, { color: true })
  expect(coloured).toContain('\u001b[33m')
  expect(stripVTControlCharacters(coloured)).toBe(renderVerdict(gate))
})
