import { judgeBias, wilsonInterval } from '@regraft/methods'
import { defineAudit, LEVEL } from './define.ts'

/** Distance from one half that is still accepted †. */
const MARGIN = 0.1

export const position = defineAudit({
  title: 'position in votes',
  judge({ firstWon }) {
    const n = firstWon.length
    if (n === 0) return null
    const won = firstWon.filter(Boolean).length
    const { estimate, low, high } = wilsonInterval(won, n, LEVEL)
    return {
      ...judgeBias({ estimate, low, high }, { none: 0.5, margin: MARGIN, n }),
      reason: `the answer that was shown first won ${won} of ${n} votes; within 0.5 ± ${MARGIN}† passes`,
      effect: estimate,
      interval: { low, high, level: LEVEL, method: 'Wilson' },
      unit: 'share of votes',
      n,
    }
  },
})
