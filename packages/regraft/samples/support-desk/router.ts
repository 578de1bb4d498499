import type { Random } from '@regraft/methods'
import { QUEUES, type Queue } from './queues.ts'
import { drawRelated, type Ticket } from './ticket.ts'

/** Name under which the previous model version answered. */
export const PREVIOUS_MODEL = 'router-v1'

/** The previous model's answer: it follows the wrong one of two intents half of the time and never saw the new issue. */
export function answerAsPreviousModel(ticket: Ticket, random: Random): Queue {
  if (ticket.updateIssue) return QUEUES[random.weighted(QUEUES.map((queue) => UPDATE_ANSWERS[queue] ?? 0))]!
  if (ticket.secondary !== null && random.uniform() < 0.45) return ticket.secondary
  const right = ticket.style === 'terse' ? 0.76 : ticket.style === 'plain' ? 0.81 : 0.78
  if (random.uniform() < right) return ticket.queue
  return random.uniform() < 0.93 ? drawRelated(ticket.queue, random) : random.choice(QUEUES)
}

const UPDATE_ANSWERS: Partial<Record<Queue, number>> = { setup: 80, repairs: 12, bugs: 8 }
