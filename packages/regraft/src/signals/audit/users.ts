import { effectiveNumber } from '@regraft/methods'
import { FEW_USERS } from '../weights/weigh.ts'
import { defineAudit } from './define.ts'

/** Effective users per user below which few of them speak for all †. */
const SHARE = 0.5

export const heavyUsers = defineAudit({
  title: 'heavy users',
  judge({ users }) {
    if (users.size === 0) return null
    const counts = [...users.values()]
    const total = counts.reduce((sum, count) => sum + count, 0)
    const effective = effectiveNumber(counts)
    const few = effective < FEW_USERS
    const uneven = effective < SHARE * users.size
    return {
      outcome: uneven ? 'fail' : few ? 'cannot-tell' : 'pass',
      reason:
        `${total} signals of ${users.size} users weigh like those of ${effective.toFixed(1)} equal ones; ` +
        `the heaviest gave ${((Math.max(...counts) / total) * 100).toFixed(0)} %` +
        (few ? `; fewer than ${FEW_USERS}† are few` : ''),
      effect: effective / users.size,
      unit: `effective users per user, ${SHARE}† passes`,
      n: users.size,
      ...(few && !uneven ? { needed: FEW_USERS } : {}),
    }
  },
})
