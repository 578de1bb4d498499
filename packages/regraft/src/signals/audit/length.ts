import { fitBinaryLogistic, judgeBias, normalQuantile } from '@regraft/methods'
import { defineAudit, LEVEL } from './define.ts'
import type { AuditEvidence } from './evidence.ts'

/** Log odds per doubling of the length that are still accepted † : odds of about 1.5. */
const MARGIN = 0.4
/** Keeps the estimate finite where the longer one always wins. */
const PENALTY = 0.1

export const lengthOfCompared = defineAudit({
  title: 'length of compared answers',
  judge: ({ pairs }) => judgeLength(pairs.filter(({ written }) => !written)),
})

export const lengthOfWritten = defineAudit({
  title: 'length of what people write',
  judge: ({ pairs }) => judgeLength(pairs.filter(({ written }) => written)),
})

/** A Bradley–Terry model with the logarithm of the length as the only strength (Dubois et al. 2024, length control). */
function judgeLength(pairs: AuditEvidence['pairs']) {
  const differences = pairs.map(({ chosen, rejected }) => Math.log2(chosen / rejected)).filter((x) => x !== 0)
  if (differences.length === 0) return null
  const { coefficients } = fitBinaryLogistic(
    differences.map((difference) => [difference]),
    differences.map(() => true),
    { intercept: false, penalty: PENALTY },
  )
  const [{ estimate, standardError }] = coefficients as [(typeof coefficients)[number]]
  const half = normalQuantile((1 + LEVEL) / 2) * standardError
  const interval = { low: estimate - half, high: estimate + half }
  const longer = differences.filter((difference) => difference > 0).length
  return {
    ...judgeBias({ estimate, ...interval }, { none: 0, margin: MARGIN, n: differences.length }),
    reason: `the preferred answer is the longer one in ${longer} of ${differences.length} pairs; within ±${MARGIN}† passes`,
    effect: estimate,
    interval: { ...interval, level: LEVEL, method: 'logistic regression' },
    unit: 'log odds per doubling of the length',
    n: differences.length,
  }
}
