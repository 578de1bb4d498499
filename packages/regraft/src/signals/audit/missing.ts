import { fitBinaryLogistic, independentDifference, judgeBias, Random, rankAuc } from '@regraft/methods'
import { isEstimable } from '../weights/observations.ts'
import { defineAudit, LEVEL } from './define.ts'

/** How far from one half the prediction may be †. */
const AUC_MARGIN = 0.1
/** What predicts worse than chance predicts nothing: a lower bound below this one counts as this one. */
const CHANCE = 0.45
/** How far apart the shares of right answers may be †. */
const ACCURACY_MARGIN = 0.1

/** What can be seen decides who gives feedback: then weights help. */
export const observation = defineAudit({
  title: 'feedback depends on what is logged',
  judge({ observations }) {
    const model = observations.model()
    if (!isEstimable(model)) return null
    // Each half is predicted by the other: what was only fitted predicts nothing.
    const random = new Random(1, 'halves')
    const halves = model.rows.map(() => random.integer(2))
    const scores: number[] = []
    for (const half of [0, 1]) {
      const other = model.rows.filter((_, i) => halves[i] !== half)
      const { predict } = fitBinaryLogistic(
        other.map(({ features }) => features),
        other.map(({ given }) => given),
      )
      for (const [i, { features }] of model.rows.entries())
        if (halves[i] === half) scores[i] = predict(features)
    }
    const n = model.rows.length
    const { estimate, low, high } = rankAuc(
      scores,
      model.rows.map(({ given }) => given),
      LEVEL,
    )
    return {
      ...judgeBias({ estimate, low: Math.max(low, CHANCE), high }, { none: 0.5, margin: AUC_MARGIN, n }),
      reason: `predicted from ${model.names.join(', ')}, each half of the answers by the other; within 0.5 ± ${AUC_MARGIN}† passes, else weights are needed`,
      effect: estimate,
      interval: { low, high, level: LEVEL, method: 'Hanley and McNeil 1982' },
      unit: 'area under the curve',
      n,
    }
  },
})

/** Whether answers that bear feedback are as often right as those that do not: where not, no weight from the log helps. */
export const missingNotAtRandom = defineAudit({
  title: 'feedback depends on whether the answer is right',
  judge({ judged }) {
    const count = (given: boolean) => {
      const part = judged.filter((answer) => answer.given === given)
      return { right: part.filter(({ right }) => right).length, n: part.length }
    }
    const [bearing, silent] = [count(true), count(false)]
    if (bearing.n === 0 || silent.n === 0) return null
    const n = bearing.n + silent.n
    const { estimate, low, high } = independentDifference(bearing, silent, LEVEL)
    return {
      ...judgeBias({ estimate, low, high }, { none: 0, margin: ACCURACY_MARGIN, n }),
      reason: `right are ${bearing.right} of ${bearing.n} judged answers with feedback and ${silent.right} of ${silent.n} without; within ±${ACCURACY_MARGIN}† passes`,
      effect: estimate,
      interval: { low, high, level: LEVEL, method: 'Newcombe 1998' },
      unit: 'difference of the shares of right answers',
      n,
    }
  },
})
