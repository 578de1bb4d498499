import type { Form } from '../../config/index.ts'
import { traitsOf } from '../../models/index.ts'
import { compare, type PairedItem } from '../comparison.ts'
import type { FormDistance } from '../measurement.ts'
import { describeSide, points, unitOf } from './describe.ts'
import {
  allOf,
  type Draft,
  pairItems,
  type RequirementKind,
  type Rules,
  type SettingsOf,
} from './requirement.ts'

const NAMES: Record<Form, string> = {
  f32: 'at run time, 32-bit floats',
  int8: 'at run time on 8 bits',
  int4: 'at run time on 4 bits',
  merged: 'merged, 32-bit floats',
  'merged-int8': 'merged, then 8 bits',
  'merged-int4': 'merged, then 4 bits',
}

/**
 * Each form of the adapter against the adapter at run time on 32-bit floats. On the suite, paired: a form in 32-bit floats must
 * be equivalent (two one-sided tests), one in fewer bits must not lose by more than the margin. On the probes, which decide
 * nothing by chance: log-probabilities of the next token within a tolerance in 32-bit floats, where only the order of sums
 * differs, else the mean total variation.
 */
export const parity: RequirementKind<SettingsOf<'parity'>> = {
  needs({ suite: named, forms }, scope) {
    const suite = named ?? scope.suite
    const about = { model: 'candidate', suite } as const
    return [
      { measure: 'scores', ...about, form: 'f32' },
      ...forms.flatMap((form) => [
        { measure: 'distance' as const, ...about, form },
        { measure: 'scores' as const, ...about, form },
      ]),
    ]
  },
  decide(settings, evidence, rules) {
    const suite = settings.suite ?? evidence.scope.suite
    const reference = evidence.scores('candidate', suite, 'f32')
    const [first, ...others] = settings.forms.map((form): Draft => {
      const scores = evidence.scores('candidate', suite, form)
      const items = pairItems(scores.value.items, reference.value.items, ({ score }) => score)
      const title = `${NAMES[form]} against ${NAMES.f32}`
      const answers = compareAnswers(form, items, settings.margin ?? rules.margin, rules)
      const { value, digest } = evidence.distance(suite, form)
      const probes = compareProbes(form, value.probes, settings)
      return allOf(
        [
          { ...answers, title: `answers to ${suite}: ${title}`, evidence: [scores.digest, reference.digest] },
          { ...probes, title: `next tokens: ${title}`, evidence: [digest] },
        ],
        { title, reason: 'on the suite and on fixed probes; both must pass' },
      )
    })
    const reason = `each form against the adapter applied at run time to weights in 32-bit floats: ${settings.forms.join(', ')}`
    return allOf([first!, ...others], { title: 'its forms say the same', reason })
  },
}

function compareAnswers(
  form: Form,
  items: readonly PairedItem[],
  margin: number,
  rules: Rules,
): Omit<Draft, 'title' | 'evidence'> {
  const isExact = traitsOf(form).precision === 'f32'
  const ask = isExact ? 'equivalent' : 'not-inferior'
  const { power, ...compared } = compare(items, { ask, margin }, rules)
  const asked = isExact ? 'may differ by less than' : 'may lose less than'
  return {
    ...compared,
    reason: `${describeSide(form, items, 'candidate')} against ${describeSide('run time', items, 'other')}; ${asked} ${points(margin)}, declared beforehand`,
    unit: unitOf(items),
    limits: isExact ? [-margin, margin] : [-margin],
    power: { value: power, alternative: 'no difference' },
  }
}

function compareProbes(
  form: Form,
  probes: FormDistance['probes'],
  { largest, variation }: { largest: number; variation: number },
): Omit<Draft, 'title' | 'evidence'> {
  const mean = (figure: 'variation' | 'divergence') =>
    probes.reduce((sum, probe) => sum + probe[figure], 0) / probes.length
  const furthest = Math.max(...probes.map((probe) => probe.largest))
  const alike = probes.filter(({ sameFirst }) => sameFirst).length
  const isExact = traitsOf(form).precision === 'f32'
  const [effect, limit] = isExact ? [furthest, largest] : [mean('variation'), variation]
  return {
    outcome: effect <= limit ? 'pass' : 'fail',
    reason: `log-probabilities differ by up to ${short(furthest)} nats, divergence ${short(mean('divergence'))} nats, total variation ${short(mean('variation'))}, the same token first on ${alike} of ${probes.length}; at most ${limit} ${isExact ? 'nats' : 'of total variation'} †`,
    effect,
    unit: isExact ? 'nats, largest difference of a log-probability' : 'mean total variation',
    limits: [limit],
    n: probes.length,
  }
}

function short(value: number): string {
  return value === 0 || Math.abs(value) >= 1e-3 ? value.toPrecision(3) : value.toExponential(1)
}
