import {
  calibrationError,
  calibrationTest,
  calibrationTolerance,
  itemsForCalibration,
  temperatureScaling,
} from '@regraft/methods'
import { independentItems, JUDGING_SEED, spentAlpha } from '../comparison.ts'
import type { RequirementKind, SettingsOf } from './requirement.ts'

/** Fewer answers than this say nothing about calibration. † */
const LEAST_ITEMS = 30
/** Of the temperature: logs of 0 and 1 are no logits. */
const NEAREST = 1e-4

/**
 * Is right as often as it is sure. Passes when a gap as large as the tolerated one is ruled out; fails when calibration is ruled
 * out by its own consistency null and the gap is estimated to be larger than tolerated.
 */
export const calibration: RequirementKind<SettingsOf<'calibration'>> = {
  needs: ({ suite: named }, { suite }) => [{ measure: 'scores', model: 'candidate', suite: named ?? suite }],
  decide({ suite: named, tolerated, confidence }, evidence, rules) {
    const alpha = spentAlpha(rules)
    const { value, digest } = evidence.scores('candidate', named ?? evidence.scope.suite)
    const sure = independentItems(value.items).flatMap(({ correct, confidence: known }) => {
      const probability = known?.[confidence]
      return probability === undefined ? [] : { probability, correct }
    })
    const n = sure.length
    const about = { title: 'is right as often as it is sure', n, evidence: [digest] }
    if (n < LEAST_ITEMS) {
      const reason = `${n} of ${value.items.length} answers have a confidence ('${confidence}'); it takes at least ${LEAST_ITEMS} †`
      return { ...about, outcome: 'cannot-tell', reason, needed: LEAST_ITEMS }
    }
    const probabilities = sure.map(({ probability }) => probability)
    const correct = sure.map((item) => item.correct)
    const { root, expected } = calibrationError(probabilities, correct)
    const test = calibrationTest(probabilities, correct, {
      seed: JUDGING_SEED,
      resamples: 2000,
      level: 1 - alpha,
    })
    const { p } = calibrationTolerance(probabilities, correct, tolerated, { seed: JUDGING_SEED })
    const outcome = p <= alpha ? 'pass' : test.squared.p <= alpha && root > tolerated ? 'fail' : 'cannot-tell'
    return {
      ...about,
      outcome,
      reason:
        `root mean square gap ${root.toFixed(3)}, tolerated ${tolerated} †; calibrated: p = ${test.squared.p.toPrecision(2)}, ` +
        `off by ${tolerated} or more: p = ${p.toPrecision(2)}; ECE ${expected.toFixed(3)}, where a calibrated model of ${n} items ` +
        `shows up to ${test.expected.quantile.toFixed(3)}; ${describeTemperature(probabilities, correct)}`,
      effect: root,
      unit: 'root mean square gap of confidence and share of right answers',
      limits: [tolerated],
      seed: JUDGING_SEED,
      ...(outcome === 'cannot-tell'
        ? {
            needed: Math.max(
              n + 1,
              itemsForCalibration(probabilities, tolerated, { seed: JUDGING_SEED, alpha }),
            ),
          }
        : {}),
    }
  },
}

function describeTemperature(probabilities: readonly number[], correct: readonly boolean[]): string {
  const logits = probabilities.map((probability) => {
    const inside = Math.min(1 - NEAREST, Math.max(NEAREST, probability))
    return [Math.log(inside), Math.log1p(-inside)]
  })
  const { temperature, converged } = temperatureScaling(
    logits,
    correct.map((right) => (right ? 0 : 1)),
  )
  if (!converged) return 'no temperature fits'
  return `a temperature of ${temperature.toFixed(2)} fits best on these items`
}
