import { Random } from '@regraft/methods'
import { drawFeedback, type SampleFeedback } from './feedback.ts'
import { drawCarelessness, roughen } from './noise.ts'
import { ASIDES } from './phrases.ts'
import type { Queue } from './queues.ts'
import { answerAsPreviousModel, PREVIOUS_MODEL } from './router.ts'
import { KnownTexts, normalise } from './similarity.ts'
import { type Ticket, writeTicket } from './ticket.ts'

/** The whole instruction that the router gets before a ticket. */
export const SYSTEM_PROMPT = 'Route the ticket to a queue.'

export interface SampleOptions {
  seed: number
  /** Length of the period in days. */
  days?: number
  /** Number of inferences. */
  count?: number
  /** First day, as YYYY-MM-DD (UTC). */
  start?: string
}

/** One logged call of the previous model; a line of traffic.jsonl. */
export interface TrafficRow {
  id: string
  created: string
  model: string
  messages: [
    { role: 'system'; content: string },
    { role: 'user'; content: string },
    { role: 'assistant'; content: Queue },
  ]
  feedback: SampleFeedback[]
}

/** A ticket with the queue that people agreed on. */
export interface LabelledTicket {
  id: string
  created: string
  text: string
  label: Queue
}

/** Where the generator put what a test wants to find again. */
export interface TrafficManifest {
  /** The queue that each inference really belongs to. */
  truth: Record<string, Queue>
  /** Evaluation items repeated in the traffic; `changed` ones differ in case and punctuation. */
  planted: { evaluation: string; inference: string; changed: boolean }[]
  exactRepeats: { inference: string; of: string }[]
  nearRepeats: { inference: string; of: string }[]
  /** Inferences whose correction or acceptance names a wrong queue. */
  noisy: string[]
  /** Inferences with a second intent. */
  severalIntents: string[]
  /** Inferences about the firmware update of the second half. */
  updateIssue: string[]
}

const DAY = 86_400_000
const EVALUATION_SIZE = 300
const HELDOUT_SIZE = 10
const PLANTED = [false, false, true, false, true, false, true, false]
const EXACT_REPEATS = 0.036
const NEAR_REPEATS = 0.03

/** The sealed evaluation set: labelled by people, dated between 30 % and 60 % of the period. */
export function generateEvaluation(options: SampleOptions & { size?: number }): LabelledTicket[] {
  return generateLabelled(options, 'evaluation', options.size ?? EVALUATION_SIZE, [0.3, 0.6], [])
}

/** Tickets for the live demonstration, dated after the period; they occur nowhere else. */
export function generateHeldout(options: SampleOptions): LabelledTicket[] {
  const known = generateEvaluation(options).map((item) => item.text)
  return generateLabelled(options, 'heldout', HELDOUT_SIZE, [1, 1.02], known)
}

/** The previous model's traffic: the same options give the same rows on every machine. */
export function generateTraffic(options: SampleOptions): { rows: TrafficRow[]; manifest: TrafficManifest } {
  const { seed, days, count, startMs } = resolve(options)
  const evaluation = generateEvaluation(options)
  const sealed = new KnownTexts([...evaluation, ...generateHeldout(options)].map((item) => item.text))
  const times = drawTimes(new Random(seed, 'traffic times'), count, days).map((time) => startMs + time)
  const plan = planRepeats(new Random(seed, 'traffic plan'), count, evaluation)
  const writing = new Random(seed, 'traffic tickets')
  const answering = new Random(seed, 'traffic answers')
  const reacting = new Random(seed, 'traffic feedback')

  const manifest: TrafficManifest = {
    truth: {},
    planted: [],
    exactRepeats: [],
    nearRepeats: [],
    noisy: [],
    severalIntents: [],
    updateIssue: [],
  }
  const rows: TrafficRow[] = []
  const tickets: Ticket[] = []
  const seen = new Set<string>()
  for (const [index, time] of times.entries()) {
    const id = `desk-${String(index + 1).padStart(5, '0')}`
    const slot = plan.get(index)
    let ticket: Ticket
    let answer: Queue | undefined
    if (slot?.kind === 'planted') {
      const text = slot.changed ? retype(slot.item.text, writing) : slot.item.text
      ticket = { text, queue: slot.item.label, secondary: null, style: 'plain', updateIssue: false }
      manifest.planted.push({ evaluation: slot.item.id, inference: id, changed: slot.changed })
    } else if (slot?.kind === 'exact' || slot?.kind === 'near') {
      // A planted item is never repeated, so that each leak stays a single row.
      let original: number
      do original = drawEarlier(index, writing)
      while (plan.get(original)?.kind === 'planted')
      ticket = tickets[original]!
      if (slot.kind === 'exact') answer = rows[original]!.messages[2].content
      else
        do ticket = { ...ticket, text: rewrite(tickets[original]!.text, writing) }
        while (sealed.overlap(ticket.text))
      const of = rows[original]!.id
      manifest[slot.kind === 'exact' ? 'exactRepeats' : 'nearRepeats'].push({ inference: id, of })
    } else {
      do ticket = writeTicket(writing, (time - startMs) / (days * DAY))
      while (seen.has(normalise(ticket.text)) || sealed.overlap(ticket.text))
    }
    seen.add(normalise(ticket.text))
    tickets.push(ticket)
    answer ??= answerAsPreviousModel(ticket, answering)
    let { feedback, noisy } = drawFeedback(answer, ticket.queue, time, reacting)
    // A planted item without any signal would never reach a training set, and so never be caught.
    while (
      slot?.kind === 'planted' &&
      !feedback.some((signal) => /^(accept|correction)$/.test(signal.type))
    ) {
      ;({ feedback, noisy } = drawFeedback(answer, ticket.queue, time, reacting))
    }
    manifest.truth[id] = ticket.queue
    if (noisy) manifest.noisy.push(id)
    if (ticket.secondary !== null) manifest.severalIntents.push(id)
    if (ticket.updateIssue) manifest.updateIssue.push(id)
    rows.push({
      id,
      created: new Date(time).toISOString(),
      model: PREVIOUS_MODEL,
      messages: [
        { role: 'system', content: SYSTEM_PROMPT },
        { role: 'user', content: ticket.text },
        { role: 'assistant', content: answer },
      ],
      feedback,
    })
  }
  return { rows, manifest }
}

/** An earlier inference, mostly of the last days: people write again when nobody answers. */
function drawEarlier(index: number, random: Random): number {
  return index - 1 - random.integer(Math.min(index, 1 + random.integer(300)))
}

type Slot = { kind: 'exact' | 'near' } | { kind: 'planted'; item: LabelledTicket; changed: boolean }

/** Which inferences repeat an earlier one, or an evaluation item (in the last 30 % of the traffic). */
function planRepeats(random: Random, count: number, evaluation: LabelledTicket[]): Map<number, Slot> {
  const plan = new Map<number, Slot>()
  for (let index = 1; index < count; index++) {
    const draw = random.uniform()
    if (draw < EXACT_REPEATS) plan.set(index, { kind: 'exact' })
    else if (draw < EXACT_REPEATS + NEAR_REPEATS) plan.set(index, { kind: 'near' })
  }
  const telling = random.shuffle(evaluation.filter((item) => normalise(item.text).split(' ').length >= 10))
  const late = random.shuffle(Array.from({ length: Math.floor(count * 0.3) }, (_, back) => count - 1 - back))
  for (const [number, changed] of PLANTED.entries()) {
    const item = telling[number]
    const index = late[number]
    if (item && index !== undefined) plan.set(index, { kind: 'planted', item, changed })
  }
  return plan
}

function generateLabelled(
  options: SampleOptions,
  stream: 'evaluation' | 'heldout',
  size: number,
  [from, until]: [number, number],
  known: string[],
): LabelledTicket[] {
  const { seed, days, startMs } = resolve(options)
  const random = new Random(seed, stream)
  const span = (until - from) * days
  const times = drawTimes(random, size, span).map((time) => startMs + from * days * DAY + time)
  const earlier = new KnownTexts(known)
  return times.map((time, index) => {
    let ticket: Ticket
    do ticket = writeTicket(random, Math.min(1, (time - startMs) / (days * DAY)))
    while (earlier.overlap(ticket.text))
    earlier.add(ticket.text)
    return {
      id: `${stream}-${String(index + 1).padStart(3, '0')}`,
      created: new Date(time).toISOString(),
      text: ticket.text,
      label: ticket.queue,
    }
  })
}

/** Milliseconds into the period, ascending: fewer at the weekend, most around noon, all in whole seconds. */
function drawTimes(random: Random, count: number, days: number): number[] {
  const times: number[] = []
  while (times.length < count) {
    const day = random.uniform() * days
    if (Math.floor(day) % 7 >= 5 && random.uniform() < 0.55) continue
    const hour = 6 + (random.uniform() + random.uniform()) * 8.5
    const time = Math.floor((Math.floor(day) * 24 + hour) * 3600) * 1000
    if (time < days * DAY) times.push(time)
  }
  return times.sort((a, b) => a - b)
}

/** The same words with other capitals and punctuation. */
function retype(text: string, random: Random): string {
  const bare = text.replace(/[.,!?]+(?= |\n|$)/g, '')
  return random.uniform() < 0.5 ? `${bare.toLowerCase()}!!` : bare.toUpperCase()
}

/** The same request written once more: other slips, another ending. */
function rewrite(text: string, random: Random): string {
  const care = {
    ...drawCarelessness(random),
    misspelling: 0.4,
    slip: 0.05,
    shouting: false,
    noArticles: false,
  }
  const again = roughen(text.replaceAll('\n', ' '), care, random)
  const reminder = random.choice([
    '',
    '',
    ' Any news?',
    ' Hello?',
    ' Second try.',
    ` ${random.choice(PLAIN_ASIDES)}`,
  ])
  return again + reminder
}

const PLAIN_ASIDES = ASIDES.filter((aside) => !/[[{]/.test(aside))

function resolve(options: SampleOptions) {
  const { seed, days = 60, count = 2000, start = '2026-08-31' } = options
  const startMs = Date.parse(`${start}T00:00:00Z`)
  if (Number.isNaN(startMs)) throw new RangeError(`start '${start}' is not a date like 2026-08-31`)
  return { seed, days, count, startMs }
}
