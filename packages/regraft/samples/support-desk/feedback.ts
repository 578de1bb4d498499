import type { Random } from '@regraft/methods'
import type { Queue } from './queues.ts'
import { drawRelated } from './ticket.ts'

/** A signal about one answer, as the import of OpenAI messages reads it. */
export type SampleFeedback = { author: string; created: string } & (
  | { type: 'correction' | 'edit'; value: Queue }
  | { type: 'thumbs'; value: 1 | -1 }
  | { type: 'accept' }
  | { type: 'comment'; value: string }
)

/** Share of the agents' corrections that name a wrong queue. */
const CORRECTION_NOISE = 0.03
const MINUTE = 60_000
const COMMENTS = [
  'wrong team',
  'please stop sending these to us',
  'took me two transfers',
  'not ours',
  'again!',
]

/** What agents and customers say about an answer; often nothing. Times are in milliseconds. */
export function drawFeedback(
  answer: Queue,
  right: Queue,
  askedAt: number,
  random: Random,
): { feedback: SampleFeedback[]; noisy: boolean } {
  const feedback: SampleFeedback[] = []
  const chance = (share: number) => random.uniform() < share
  let noisy = false
  const when = (fastestMinutes: number, slowestMinutes: number) => {
    // The product of two uniform numbers: most come soon, some after days.
    const share = random.uniform() * random.uniform()
    const minutes = fastestMinutes + Math.floor((slowestMinutes - fastestMinutes) * share)
    return new Date(askedAt + minutes * MINUTE + random.integer(60) * 1000).toISOString()
  }
  const agent = () => `agent-${String(1 + random.integer(14)).padStart(2, '0')}`

  if (answer === right) {
    if (chance(0.56)) feedback.push({ type: 'accept', author: agent(), created: when(1, 900) })
    if (chance(0.16)) feedback.push({ type: 'thumbs', value: 1, author: agent(), created: when(2, 1500) })
    else if (chance(0.012)) {
      feedback.push({ type: 'thumbs', value: -1, author: agent(), created: when(2, 1500) })
    }
    return { feedback, noisy }
  }
  if (chance(0.74)) {
    noisy = chance(CORRECTION_NOISE)
    const value = noisy ? drawRelated(right, random) : right
    feedback.push({ type: 'correction', value, author: agent(), created: when(3, 6000) })
  } else if (chance(0.25)) {
    feedback.push({ type: 'edit', value: right, author: 'customer', created: when(1, 60) })
  } else if (chance(0.09)) {
    feedback.push({ type: 'accept', author: agent(), created: when(1, 900) })
    noisy = true
  }
  if (chance(0.32)) feedback.push({ type: 'thumbs', value: -1, author: agent(), created: when(2, 3000) })
  if (chance(0.05)) {
    feedback.push({
      type: 'comment',
      value: random.choice(COMMENTS),
      author: agent(),
      created: when(3, 3000),
    })
  }
  return { feedback: feedback.sort((a, b) => (a.created < b.created ? -1 : 1)), noisy }
}
