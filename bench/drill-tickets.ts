import { Random } from '@regraft/methods'
import type { Labelled } from './drill-fleet.ts'

/** The queue of a ticket follows from one of its words. */
const QUEUES: Record<string, readonly string[]> = {
  billing: ['invoice', 'refund', 'price', 'charge', 'payment', 'receipt'],
  orders: ['parcel', 'delivery', 'tracking', 'courier', 'shipment', 'address'],
  repairs: ['broken', 'cracked', 'scratch', 'warranty', 'leaking', 'noise'],
  bugs: ['crash', 'freeze', 'slow', 'screen', 'update', 'error'],
}
const FILLERS =
  'hello please today about my the again still help with this now and since week your it for'.split(' ')

/** Short tickets that a small model learns in seconds; a share of them with the label of another queue. */
export function drawTickets(seed: number, name: string, count: number, wrong = 0): Labelled[] {
  const random = new Random(seed, `tickets/${name}`)
  const labels = Object.keys(QUEUES)
  const seen = new Set<string>()
  const tickets: Labelled[] = []
  while (tickets.length < count) {
    const label = random.choice(labels)
    const words = Array.from({ length: 3 + random.integer(2) }, () => random.choice(FILLERS))
    words[random.integer(words.length)] = random.choice(QUEUES[label]!)
    const text = words.join(' ')
    if (seen.has(text)) continue
    seen.add(text)
    const other = random.choice(labels.filter((queue) => queue !== label))
    tickets.push({
      text,
      label: random.uniform() < wrong ? other : label,
      user: `user-${tickets.length % 40}`,
    })
  }
  return tickets
}
