// Eight weeks of support tickets for bench/contamination-cycles.ts, with items of the frozen evaluation leaking into them.
import { Random } from '@regraft/methods'
import { KnownTexts } from '../packages/regraft/samples/support-desk/similarity.ts'
import { writeTicket } from '../packages/regraft/samples/support-desk/ticket.ts'
import { SYSTEM_PROMPT } from '../packages/regraft/samples/support-desk/traffic.ts'

export const WEEKS = 8
const START = Date.parse('2026-09-07T00:00:00Z')
const DAY = 86_400_000
/** One point of the generator's drift: fresh and frozen items are of the same kind, so that only leaks can part them. */
const POINT = 0.3

export interface CycleOptions {
  seed: number
  /** Tickets of a week that are trained on. */
  tickets: number
  /** Items of the frozen suite, and of each week's fresh slice. */
  frozen: number
  fresh: number
  /** Share of the frozen items that leaks into the traffic every week, each item once. */
  leaks: number
}

export interface Labelled {
  text: string
  label: string
}

export interface Week {
  number: number
  /** Lines of OpenAI messages with the right answer as a label, oldest first. */
  traffic: string[]
  /** The newest tickets of the week: asked now, trained on from the next week on. */
  fresh: string[]
  freshItems: Labelled[]
  /** Frozen items that are in this week's traffic, by the form in which they leaked. */
  leaked: Record<string, number>
}

/** The forms in which an item comes back, in turn. */
const FORMS: Record<string, (text: string, random: Random) => string> = {
  verbatim: (text) => text,
  retyped: (text) => `${text.replace(/[.,!?]+(?= |\n|$)/g, '').toLowerCase()}!!`,
  'near copy': (text, random) => {
    const words = text.split(' ')
    const at = random.integer(words.length)
    return [...words.slice(0, at), ...words.slice(at + 1)].join(' ')
  },
  embedded: (text, random) =>
    `${random.choice(['Forwarded from the chat of yesterday:', 'The customer wrote to us:'])} ${text} ` +
    random.choice(['Can somebody have a look at it today?', 'I told them that we would come back to them.']),
}

/** The frozen suite and the weeks; the same options give the same texts. No two tickets overlap, but for the leaks. */
export function makeCycles(options: CycleOptions): { frozen: Labelled[]; weeks: Week[] } {
  const random = new Random(options.seed, 'cycles')
  const known = new KnownTexts([])
  const draw = (): Labelled => {
    for (;;) {
      const { text, queue } = writeTicket(random, POINT)
      if (known.overlap(text)) continue
      known.add(text)
      return { text, label: queue }
    }
  }
  const frozen = Array.from({ length: options.frozen }, draw)
  const order = random.shuffle([...frozen.keys()])
  const perWeek = Math.round(options.leaks * options.frozen)
  const weeks = Array.from({ length: WEEKS }, (_, week) => {
    const from = START + week * 7 * DAY
    const forms = Object.entries(FORMS)
    const leaked: Record<string, number> = {}
    const leaks = order.slice(week * perWeek, (week + 1) * perWeek).map((item, index) => {
      const [name, write] = forms[index % forms.length]!
      leaked[name] = (leaked[name] ?? 0) + 1
      const { text, label } = frozen[item]!
      return { text: write(text, random), label }
    })
    const tickets = random.shuffle([...Array.from({ length: options.tickets }, draw), ...leaks])
    const freshItems = Array.from({ length: options.fresh }, draw)
    const line = ({ text, label }: Labelled, at: number, id: string) =>
      JSON.stringify({
        id: `cycle-${options.seed}-${week}-${id}`,
        created: new Date(at).toISOString(),
        messages: [
          { role: 'system', content: SYSTEM_PROMPT },
          { role: 'user', content: text },
        ],
        feedback: [{ type: 'label', value: label }],
      })
    const spread = (index: number, count: number, days: number, first: number) =>
      from + first * DAY + Math.floor((index / count) * days * DAY)
    return {
      number: week + 1,
      traffic: tickets.map((ticket, i) => line(ticket, spread(i, tickets.length, 5, 0), `t${i}`)),
      fresh: freshItems.map((ticket, i) => line(ticket, spread(i, freshItems.length, 2, 5), `f${i}`)),
      freshItems,
      leaked,
    }
  })
  return { frozen, weeks }
}
