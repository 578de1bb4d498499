import { Regraft } from '@regraft/client'
import OpenAI from 'openai'

export interface HeldOutTicket {
  text: string
  label: string
}

export interface RoutedTicket extends HeldOutTicket {
  answer: string
  /** Id of the answer: the handle for feedback. */
  id: string
}

/** Routes tickets with the official OpenAI SDK; every second answer is streamed. */
export async function routeTickets(
  url: string,
  model: string,
  system: string,
  tickets: readonly HeldOutTicket[],
): Promise<RoutedTicket[]> {
  const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'not-needed-on-loopback' })
  const routed: RoutedTicket[] = []
  for (const [i, ticket] of tickets.entries()) {
    const messages = [
      { role: 'system' as const, content: system },
      { role: 'user' as const, content: ticket.text },
    ]
    if (i % 2 === 0) {
      const answer = await openai.chat.completions.create({ model, messages })
      routed.push({ ...ticket, answer: answer.choices[0]!.message.content ?? '', id: answer.id })
      continue
    }
    let text = ''
    let id = ''
    for await (const chunk of await openai.chat.completions.create({ model, messages, stream: true })) {
      id = chunk.id
      text += chunk.choices[0]?.delta.content ?? ''
    }
    routed.push({ ...ticket, answer: text, id })
  }
  return routed
}

/** Tells the server what an agent would: right answers are accepted, wrong ones corrected. */
export async function sendFeedback(url: string, tickets: readonly RoutedTicket[]): Promise<void> {
  const regraft = new Regraft({ baseUrl: url })
  for (const { id, answer, label } of tickets) {
    if (answer.trim() === label) await regraft.accept(id, { author: 'agent-01' })
    else await regraft.correct(id, label, { author: 'agent-01' })
  }
}
