// Support mail of many trades, written from the phrases of corpus-topics.ts: the raw material of the tasks.

import type { Random } from '@regraft/methods'
import { expand, type Slots } from '../../packages/regraft/samples/support-desk/expand.ts'
import { drawCarelessness, roughen } from '../../packages/regraft/samples/support-desk/noise.ts'
import { type Topic, TRADES, type Trade } from './corpus-topics.ts'

const NAMES =
  'Alice Ben Clara Dan Edith Frank Grace Henry Iris Jack Karen Leo Mia Noah Olive Paul Quinn Rosa Sam Tess Uma Victor Wendy Xavier Yara Zoe Hugo Ines Ivan Joan Kofi Lena Milan Nadia Otto Pia Ravi Sara Theo Vera Anna Peter Nora Tom Ruth Elena Diego Jonas Marek Omar Priya Kwame Fatima'.split(
    ' ',
  )
const SURNAMES =
  'Adams Baker Carter Dixon Evans Foster Green Hughes Ivanov Jensen Kaya Lopez Martin Nielsen Olsen Parker Quist Reed Schmidt Turner Umar Vogel Walker Young Zeller Costa Haddad Mensah Singh Wong'.split(
    ' ',
  )
const CITIES =
  'London Paris Rome Madrid Berlin Prague Warsaw Oslo Lisbon Athens Boston Chicago Denver Dallas Seattle Toronto Sydney Perth Delhi Cairo Nairobi Accra Lima Quito Tokyo Seoul Hanoi Oxford York Bath Hull Derby Kent Dover Essex Exeter Poole Salford Truro Luton Geneva Basel Milan Naples Seville Bergen Tampere Riga Split'.split(
    ' ',
  )
const DAYS = 'Monday Tuesday Wednesday Thursday Friday Saturday Sunday'.split(' ')
const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
)
const COLOURS = 'red blue green black white grey brown yellow pink orange purple silver'.split(' ')
const ANIMALS = 'cat dog rabbit parrot hamster tortoise canary goldfish pony guinea pig'.split(/ (?!pig)/)
const DISHES = 'soup salad pizza curry lamb pie risotto dumplings noodles cake'.split(' ')
const THINGS = 'bike sofa piano table chair coat boat tent guitar clock carpet ladder'.split(' ')
const LANGUAGES = 'English French German Italian Spanish Polish Turkish Dutch'.split(' ')
const PEOPLE = [
  'my son',
  'my daughter',
  'my mother',
  'my father',
  'my wife',
  'my husband',
  'my brother',
  'my sister',
  'my friend',
  'my neighbour',
  'my aunt',
  'my flatmate',
]
const OPENINGS = [
  'Hello',
  'Hi',
  'Good evening',
  'Good morning',
  'Hello there',
  'Dear all',
  'Dear {company}',
  'Hi {company}',
  'Greetings',
  'Hey',
  'Good day to you',
  'Good afternoon',
  'Hey guys',
  'Dear Sir or Madam',
  'Hi all',
]
const CLOSINGS = [
  'Thanks',
  'Thank you very much',
  'Yours',
  'Best wishes',
  'Yours sincerely',
  'Bye',
  'Talk soon',
  'With kind regards',
  'Thank you for reading',
  'Ta',
  'All the best',
  'I hope to hear from you',
  'Cheers',
  'Thanks for your time',
]
const JOINS = [
  'Then there is this: ',
  'While I write, ',
  'One more question: ',
  'Something else: ',
  'Apart from that, ',
  'Also, ',
]
const ASIDES = [
  'I am {name}.',
  'My number is {ref}.',
  'The reference is {ref}.',
  'I wrote on {day} too.',
  'We live in {city}.',
  '{name} told me to write.',
  'It is for {person}.',
  'You know me, I come every {day}.',
  'I am on the train, so I keep it short.',
  'My English is not good.',
  'I paid {amount}.',
  'It happened on {day} in {city}.',
  'Call me on {phone}.',
]
const TONES = {
  angry: [
    'This is a disgrace.',
    'I am [furious|very angry|fed up].',
    'Never again.',
    'What a mess you made.',
    'It is so frustrating.',
    'I have had enough of you.',
    'You [ruined|spoiled] our day.',
    'How can anybody work like this?',
    'I will tell everybody about it.',
  ],
  pleased: [
    'You are [wonderful|great|very kind].',
    'Everything else was [lovely|perfect].',
    'I am a happy customer.',
    'What a [nice|good] place you have.',
    'Keep up the good work.',
    'We had a [great|lovely] time.',
    'Your people are so friendly.',
  ],
  worried: [
    'I am [worried|afraid] that it is too late.',
    'I could not sleep because of it.',
    'I do not know what to do.',
    'I hope it is nothing bad.',
    'We are really anxious.',
    'Please tell me that it will be fine.',
  ],
  neutral: [],
} as const
const URGENT = [
  'It is urgent.',
  'I need it today.',
  'Please answer within the hour.',
  'We leave in {n} minutes.',
  'At once, please.',
  'It cannot wait until {day}.',
]
const RELAXED = [
  'There is no hurry.',
  'Whenever you have time.',
  'It can wait until {month}.',
  'Take your time.',
  'Next week is fine.',
]

export type Tone = keyof typeof TONES

/** A written note and what is known about it. */
export interface Note {
  text: string
  /** The same words before misspellings and changed capitals. */
  clean: string
  trade: Trade
  topic: Topic
  second: Topic | null
  tone: Tone
  urgency: 'urgent' | 'relaxed' | null
  /** Values of slots that the note names exactly once, as they stand in `clean`. */
  facts: Map<string, string>
}

/** Writes a note of a random trade, or of `trade`. */
export function writeNote(random: Random, trade: Trade = random.choice(TRADES)): Note {
  const company = random.choice(trade.companies)
  const told = new Map<string, Set<string>>()
  const slots: Slots = (name) => {
    const value = name === 'company' ? company : fillSlot(name, random)
    told.set(name, (told.get(name) ?? new Set()).add(value))
    return value
  }
  const used = new Set<string>()
  const say = (bank: readonly string[]) => {
    const phrase = random.choice(bank.filter((other) => !used.has(other)))
    used.add(phrase)
    return capitalise(expand(phrase, random, slots))
  }
  const chance = (share: number) => random.uniform() < share

  const topic = random.choice(trade.topics)
  const size = random.weighted([30, 45, 25])
  const tone: Tone = (['neutral', 'angry', 'pleased', 'worried'] as const)[random.weighted([55, 18, 12, 15])]!
  const urgency = chance(0.8) ? null : chance(0.6) ? 'urgent' : 'relaxed'
  const parts = [say(topic.phrases)]
  let second: Topic | null = null
  if (size > 0 && chance(0.4)) parts.push(say(topic.phrases))
  if (size > 0 && chance(0.12 * size)) {
    second = random.choice(trade.topics.filter((other) => other !== topic))
    const sentence = say(second.phrases)
    parts.push(
      random.choice(JOINS) +
        (/^I\b/.test(sentence) ? sentence : sentence[0]!.toLowerCase() + sentence.slice(1)),
    )
  }
  const insert = (sentence: string) =>
    parts.splice(random.integer(parts.length + 1 - (second ? 1 : 0)), 0, sentence)
  if (tone !== 'neutral') insert(say(TONES[tone]))
  if (urgency) insert(say(urgency === 'urgent' ? URGENT : RELAXED))
  for (let extra = random.integer(size + 1); extra > 0; extra--) insert(say(ASIDES))
  if (size > 0 && chance(0.4)) parts.unshift(`${say(OPENINGS)}${random.choice([',', '!', '.', ''])}`)
  if (size > 0 && chance(0.4)) parts.push(say(CLOSINGS))
  if (size > 0 && chance(0.3)) parts.push(fillSlot('name', random))

  const care = drawCarelessness(random)
  const clean = parts.join(' ')
  const facts = new Map(
    [...told].flatMap(([name, values]) => (values.size === 1 ? [[name, [...values][0]!]] : [])),
  )
  return {
    text: parts.map((part) => roughen(part, care, random)).join(' '),
    clean,
    trade,
    topic,
    second,
    tone,
    urgency,
    facts,
  }
}

export function fillSlot(name: string, random: Random): string {
  switch (name) {
    case 'name':
      return random.uniform() < 0.5
        ? random.choice(NAMES)
        : `${random.choice(NAMES)} ${random.choice(SURNAMES)}`
    case 'city':
      return random.choice(CITIES)
    case 'day':
      return random.choice(DAYS)
    case 'month':
      return random.choice(MONTHS)
    case 'colour':
      return random.choice(COLOURS)
    case 'animal':
      return random.choice(ANIMALS)
    case 'dish':
      return random.choice(DISHES)
    case 'thing':
      return random.choice(THINGS)
    case 'language':
      return random.choice(LANGUAGES)
    case 'person':
      return random.choice(PEOPLE)
    case 'n':
      return String(2 + random.integer(random.choice([8, 30, 60])))
    case 'time':
      return `${1 + random.integer(12)}:${random.choice(['00', '15', '30', '45', '10', '20'])}`
    case 'amount':
      return random.choice([
        `${1 + random.integer(400)} pounds`,
        `${1 + random.integer(400)} dollars`,
        `$${1 + random.integer(900)}`,
        `${1 + random.integer(90)}.${10 + random.integer(90)}`,
      ])
    case 'ref':
      return `${random.choice(['', '', 'A', 'K', 'NR-', 'C', 'No. ', 'BK'])}${1000 + random.integer(random.choice([9000, 90000, 900000]))}`
    case 'phone':
      return `555 0${100 + random.integer(900)}`
    case 'company':
      return random.choice(random.choice(TRADES).companies)
    default:
      throw new Error(`there is no slot {${name}}`)
  }
}

function capitalise(sentence: string): string {
  return sentence[0]!.toUpperCase() + sentence.slice(1)
}
