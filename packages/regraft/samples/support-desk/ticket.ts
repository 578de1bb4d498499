// The rule of the desk: the queue is decided by what the customer asks to be done. A problem that is only told
// before a request (history) and a second wish that is marked as such ("also", "PS") do not decide; after
// "but mainly" the later one does. Where nothing is asked, the problem told decides.

import type { Random } from '@regraft/methods'
import { expand } from './expand.ts'
import { drawCarelessness, roughen } from './noise.ts'
import { ASIDES, CLOSINGS, JOINS, OPENINGS, PHRASES, UPDATE_ISSUE } from './phrases.ts'
import { QUEUES, type Queue } from './queues.ts'
import { type Customer, makeCustomer, phraseSlots } from './slots.ts'

/** A ticket as its customer wrote it, and where it belongs. */
export interface Ticket {
  text: string
  queue: Queue
  /** The queue of what is told or asked besides, when there is such a thing. */
  secondary: Queue | null
  style: 'terse' | 'plain' | 'long'
  /** It is about the firmware update of the second half. */
  updateIssue: boolean
}

/** Weight of each queue at the start and at the end of the period; between them the mix moves linearly. */
const MIX: Record<Queue, [start: number, end: number]> = {
  billing: [10, 9],
  refunds: [8, 8],
  delivery: [13, 10],
  returns: [9, 7],
  orders: [9, 8],
  'account access': [9, 8],
  plans: [8, 8],
  bugs: [7, 9],
  setup: [9, 7],
  repairs: [8, 11],
  privacy: [4, 5],
  sales: [6, 8],
}

/** Queues that people and models mistake for one another. */
export const RELATED: Record<Queue, Partial<Record<Queue, number>>> = {
  billing: { refunds: 5, plans: 4, orders: 1, 'account access': 1 },
  refunds: { returns: 5, billing: 5, orders: 1 },
  delivery: { orders: 6, returns: 2, refunds: 1 },
  returns: { refunds: 5, orders: 3, repairs: 2, delivery: 2 },
  orders: { delivery: 6, returns: 3, sales: 2 },
  'account access': { bugs: 4, setup: 2, privacy: 2 },
  plans: { billing: 6, sales: 3, 'account access': 1 },
  bugs: { setup: 6, repairs: 3, 'account access': 2 },
  setup: { bugs: 5, repairs: 3, sales: 2, 'account access': 1 },
  repairs: { returns: 5, setup: 4, bugs: 3 },
  privacy: { 'account access': 5, plans: 2, bugs: 1 },
  sales: { orders: 4, plans: 4, setup: 3 },
}

export function drawRelated(queue: Queue, random: Random): Queue {
  return QUEUES[random.weighted(QUEUES.map((other) => RELATED[queue][other] ?? 0))]!
}

/**
 * Writes one ticket.
 * @param progress position in the period, 0 to 1: it moves the mix and brings in new products and issues
 */
export function writeTicket(random: Random, progress: number): Ticket {
  const shares = QUEUES.map((queue) => MIX[queue][0] * (1 - progress) + MIX[queue][1] * progress)
  const issueShare = progress < 0.5 ? 0 : Math.min(1, (progress - 0.5) * 8) * 7
  const drawn = random.weighted([...shares, issueShare])
  const updateIssue = drawn === QUEUES.length
  const queue = updateIssue ? 'bugs' : QUEUES[drawn]!
  const newProductShare = progress < 0.5 ? 0 : queue === 'repairs' ? 0.35 : queue === 'sales' ? 0.2 : 0.08
  const customer = makeCustomer(random, newProductShare)
  const style = (['terse', 'plain', 'long'] as const)[random.weighted([13, 47, 40])]!
  const care = drawCarelessness(random)
  const { parts, secondary } = composeParts(random, queue, style, customer, updateIssue)
  const sentences = parts.map((part) => roughen(part, care, random))
  const separator = style !== 'terse' && random.uniform() < 0.12 ? '\n' : ' '
  return { text: joinSentences(sentences, separator), queue, secondary, style, updateIssue }
}

function composeParts(
  random: Random,
  queue: Queue,
  style: Ticket['style'],
  customer: Customer,
  updateIssue: boolean,
): { parts: string[]; secondary: Queue | null } {
  const phrases = updateIssue ? UPDATE_ISSUE : PHRASES[queue]
  const said = new Set<string>()
  const say = (bank: readonly string[]) => {
    const phrase = random.choice(bank.filter((other) => !said.has(other)))
    said.add(phrase)
    return expand(phrase, random, phraseSlots(customer))
  }
  const chance = (share: number) => random.uniform() < share
  if (style === 'terse') return { parts: [say(phrases.terse)], secondary: null }

  const long = style === 'long'
  const parts: string[] = []
  let secondary: Queue | null = null
  if (chance(long ? 0.6 : 0.35)) parts.push(greet(say(OPENINGS), random))

  const core: string[] = []
  if (chance(0.07)) {
    // Nothing is asked: the problem told decides.
    core.push(say(phrases.situations))
    if (long) core.push(say(ASIDES), say(phrases.situations))
  } else {
    const request = say(phrases.requests)
    const kind = random.weighted(long ? [34, 42, 14, 6, 4] : [60, 30, 6, 3, 1])
    if (kind === 0) core.push(request)
    if (kind === 1) core.push(say(phrases.situations), request)
    if (kind >= 2) secondary = chance(0.75) ? drawRelated(queue, random) : random.choice(QUEUES)
    if (secondary === queue) secondary = null
    const besides = PHRASES[secondary ?? queue]
    if (kind === 2) core.push(say(besides.situations), request)
    if (kind === 3) core.push(request, lowerFirst(say(besides.requests), random.choice(JOINS)))
    if (kind === 4) {
      const turn = random.choice([
        'But mainly: ',
        'But more important, ',
        'The main thing though: ',
        'Above all, ',
      ])
      core.push(say(besides.requests), lowerFirst(request, turn))
    }
    if (long && secondary === null && chance(0.5)) core.unshift(say(phrases.situations))
    if (chance(long ? 0.65 : 0.12)) core.splice(random.integer(core.length + 1), 0, say(ASIDES))
  }
  parts.push(...core)
  if (chance(long ? 0.6 : 0.25)) parts.push(say(CLOSINGS))
  if (chance(long ? 0.4 : 0.12)) parts.push(customer.name)
  return { parts, secondary }
}

function greet(opening: string, random: Random): string {
  return opening + random.choice([',', ',', '!', '', ' -', '.'])
}

function lowerFirst(sentence: string, lead: string): string {
  const keeps = /^(I\b|I'|[A-Z]{2}|\{)/.test(sentence)
  return lead + (keeps ? sentence : sentence[0]!.toLowerCase() + sentence.slice(1))
}

function joinSentences(sentences: string[], separator: string): string {
  return sentences.join(separator).replace(/ {2,}/g, ' ').trim()
}
