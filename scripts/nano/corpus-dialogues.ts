import type { Random } from '@regraft/methods'
import { fillSlot, writeNote } from './corpus-notes.ts'

export interface Message {
  role: 'system' | 'user' | 'assistant'
  content: string
}

/** Writes an exchange of several turns: a note, a question back, an answer and what is done. */
export function writeDialogue(random: Random): Message[] {
  const note = writeNote(random)
  const company = random.choice(note.trade.companies)
  const ref = fillSlot('ref', random)
  const sorry = random.choice([
    'I am sorry about that.',
    'Thank you for writing.',
    'I see.',
    'That should not happen.',
    'Let me look.',
    'Of course.',
  ])
  const need = random.choice([
    'What is your number?',
    'Could you give me your reference?',
    'Which number is on your papers?',
    'May I have your name?',
  ])
  const asksName = need.includes('name')
  const given = asksName ? fillSlot('name', random) : ref
  const reply = random.choice([
    given,
    `It is ${given}.`,
    `${given}, I think.`,
    `Here it is: ${given}`,
    given.toLowerCase(),
  ])
  const day = fillSlot('day', random)
  const done = random.choice([
    `Thank you, ${given}. I have noted that you want to ${note.topic.wish}. You will hear from us by ${day}.`,
    `Thank you. I passed on that you want to ${note.topic.wish}.`,
    `Found it. Somebody will call you on ${day} about it.`,
    `Thank you. It will be settled by ${day}.`,
  ])
  const messages: Message[] = [
    {
      role: 'system',
      content: random.choice([
        `You answer the mail of ${company}.`,
        `You help the customers of a ${note.trade.name}.`,
        'Be friendly and brief.',
        `Support of ${company}.`,
      ]),
    },
    { role: 'user', content: note.text },
    { role: 'assistant', content: `${sorry} You want to ${note.topic.wish}, is that right? ${need}` },
    { role: 'user', content: reply },
    { role: 'assistant', content: done },
  ]
  if (random.uniform() < 0.4) {
    messages.push(
      {
        role: 'user',
        content: random.choice(['Thanks', 'thank you!', 'ok', 'Good, bye.', 'And how long does it take?']),
      },
      {
        role: 'assistant',
        content: random.choice([
          'You are welcome.',
          'Have a good day.',
          'With pleasure.',
          `Until ${day} at the latest. Have a good day.`,
        ]),
      },
    )
  }
  return messages
}
