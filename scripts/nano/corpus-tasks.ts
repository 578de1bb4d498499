// Conversations that teach to read a note and answer in a few words, in many label vocabularies. The routing
// task of the sample desk is not among them: neither its prompt, nor its queue names as answers, nor its tickets.

import type { Random } from '@regraft/methods'
import { drawCarelessness, roughen } from '../../packages/regraft/samples/support-desk/noise.ts'
import { type Message, writeDialogue } from './corpus-dialogues.ts'
import { fillSlot, type Note, writeNote } from './corpus-notes.ts'
import type { Fact } from './corpus-sources.ts'
import { THING_CLASSES } from './corpus-things.ts'
import { TRADES } from './corpus-topics.ts'

/** One question with its answer; `instruction` is what is to be done, apart from the text it is done with. */
interface Exercise {
  instruction: string
  text: string
  answer: string
}
/** Draws exercises of one kind; those of one conversation share an instruction. */
type Task = (random: Random, facts: readonly Fact[]) => () => Exercise

const TASKS: Record<string, { weight: number; task: Task }> = {
  topic: { weight: 20, task: nameTopic },
  options: { weight: 14, task: chooseTopic },
  'one of two': { weight: 6, task: chooseOfTwo },
  trade: { weight: 7, task: nameTrade },
  thing: { weight: 9, task: nameThingClass },
  tone: { weight: 5, task: nameTone },
  urgency: { weight: 3, task: nameUrgency },
  extraction: { weight: 9, task: extractFact },
  wish: { weight: 8, task: summarise },
  spelling: { weight: 5, task: correctSpelling },
  glossary: { weight: 4, task: explainTerm },
  word: { weight: 2, task: findWord },
  fact: { weight: 5, task: answerFact },
}
const DIALOGUE_SHARE = 0.08

/** Writes one conversation; about one in seven has several exercises of the same kind. */
export function writeConversation(
  random: Random,
  facts: readonly Fact[],
): { task: string; messages: Message[] } {
  if (random.uniform() < DIALOGUE_SHARE) return { task: 'dialogue', messages: writeDialogue(random) }
  const names = Object.keys(TASKS)
  const name = names[random.weighted(names.map((task) => TASKS[task]!.weight))]!
  const next = TASKS[name]!.task(random, facts)
  const first = next()
  const messages: Message[] = []
  const place = first.text === '' ? 2 : random.weighted([70, 20, 10])
  if (place === 0) messages.push({ role: 'system', content: first.instruction })
  const turns = place === 0 && random.uniform() < 0.2 ? 2 + random.integer(3) : 1
  for (let turn = 0; turn < turns; turn++) {
    const { instruction, text, answer } = turn === 0 ? first : next()
    // What was asked in the system message holds for the whole conversation.
    if (instruction !== first.instruction) break
    const asked = [text, `${instruction}\n${text}`.trim(), `${text}\n${instruction}`.trim()][place]!
    messages.push({ role: 'user', content: asked }, { role: 'assistant', content: answer })
  }
  return { task: name, messages }
}

function nameTopic(random: Random): () => Exercise {
  const vocabulary = random.integer(2)
  const instruction = random.choice([
    'What is this about?',
    'Name the topic.',
    'Topic in one or two words.',
    'Give the subject of the message.',
    'Read the message and say what it is about.',
    'Which subject?',
    'Write the heading under which this note is filed.',
    'Sort the mail.',
    'Label the note.',
    'File the letter under a heading.',
    'Classify the message.',
    'Subject line, short.',
  ])
  const trade = random.uniform() < 0.5 ? random.choice(TRADES) : undefined
  return () => {
    const note = writeNote(random, trade)
    return { instruction, text: note.text, answer: labelOf(note, vocabulary) }
  }
}

function chooseTopic(random: Random): () => Exercise {
  const vocabulary = random.integer(2)
  const trade = random.choice(TRADES)
  const others = random.shuffle(TRADES.filter((other) => other !== trade)).slice(0, 2)
  const topics = [trade, ...others].flatMap((other) => other.topics)
  const chosen = random.shuffle(topics).slice(0, 2 + random.integer(7))
  const own = trade.topics.filter((topic) => chosen.includes(topic))
  if (own.length === 0) chosen.push(trade.topics[0]!)
  const options = [...new Set(chosen.map((topic) => topic.labels[vocabulary] ?? topic.labels[0]!))]
  const list = random.shuffle(options).join(random.choice([', ', ' / ', '\n', ' | ']))
  const instruction = random.choice([
    `Choose one: ${list}`,
    `Which of these fits? ${list}`,
    `Answer with one of: ${list}.`,
    `Topics: ${list}\nPick one.`,
    `Sort into one of these: ${list}`,
  ])
  return () => {
    let note: Note
    do note = writeNote(random, trade)
    while (!options.includes(labelOf(note, vocabulary)))
    return { instruction, text: note.text, answer: labelOf(note, vocabulary) }
  }
}

function chooseOfTwo(random: Random): () => Exercise {
  return () => {
    const note = writeNote(random)
    const right = labelOf(note, 0)
    const wrong = random.choice(
      (random.uniform() < 0.5 ? note.trade : random.choice(TRADES)).topics.filter(
        (topic) => topic.labels[0] !== right && topic !== note.second,
      ),
    ).labels[0]!
    const [first, last] = random.shuffle([right, wrong])
    const instruction = random.choice([
      `${first} or ${last}?`,
      `Is this about ${first} or ${last}?`,
      `${first} / ${last}`,
    ])
    return { instruction, text: note.text, answer: right }
  }
}

function nameTrade(random: Random): () => Exercise {
  const instruction = random.choice([
    'Who got this letter?',
    'What kind of company is asked?',
    'Which trade?',
    'To whom does the customer write?',
    'Name the kind of business.',
  ])
  return () => {
    const note = writeNote(random)
    return { instruction, text: note.text, answer: note.trade.name }
  }
}

function nameThingClass(random: Random): () => Exercise {
  const vocabulary = random.integer(2)
  const asksTerm = random.uniform() < 0.3
  const instruction = asksTerm
    ? random.choice(['Which thing is meant?', 'What does the writer speak of?', 'Name the thing.'])
    : random.choice([
        'What kind of thing is this about?',
        'Which department?',
        'Kind of matter?',
        'In which drawer does it go?',
        'Hand the note to a team.',
      ])
  return () => {
    const kind = random.choice(THING_CLASSES)
    const term = random.choice(Object.keys(kind.terms))
    const extra =
      random.uniform() < 0.4 ? ` ${thingSentence(random, random.choice(Object.keys(kind.terms)), kind)}` : ''
    const answer = asksTerm ? term : kind.labels[vocabulary]!
    const plain = thingSentence(random, term, kind) + (asksTerm ? '' : extra)
    return { instruction, text: asksTerm ? plain : roughen(plain, drawCarelessness(random), random), answer }
  }
}

function thingSentence(random: Random, term: string, kind: (typeof THING_CLASSES)[number]): string {
  const article = random.choice(['the', 'my', 'our', 'your', 'this'])
  const problem = random.choice(kind.problems)
  const wish = random.choice(kind.wishes)
  const since = random.choice([
    '',
    ` since ${fillSlot('day', random)}`,
    ` in ${fillSlot('city', random)}`,
    ' again',
    ' for weeks',
    ' once more',
  ])
  const asking = random.choice([
    'Can you',
    'Could you please',
    'Please',
    'Would somebody',
    'How do I',
    'Who can',
    'I want you to',
    'Is it possible to',
  ])
  const end = /^(Please|I)/.test(asking) ? '.' : '?'
  const tells = `${article} ${term} ${problem}${since}.`
  return random.choice([
    tells[0]!.toUpperCase() + tells.slice(1),
    `${asking} ${wish} ${article} ${term}${since}${end}`,
    `I have a question about ${article} ${term}: it ${problem}.`,
    `${fillSlot('name', random)} says that ${tells}`,
    `${asking} ${wish} ${article} ${term}${end} It ${problem}.`,
    `${term} ${problem}`,
    `${wish} ${article} ${term}`,
    `I am writing because ${tells}`,
  ])
}

function nameTone(random: Random): () => Exercise {
  const instruction = random.choice([
    'How does the writer feel?',
    'Mood?',
    'Tone of the message: angry, pleased, worried or neutral?',
    'Is the customer angry, pleased, worried or neutral?',
    'Sentiment in a word.',
  ])
  return () => {
    const note = writeNote(random)
    return { instruction, text: note.text, answer: note.tone }
  }
}

function nameUrgency(random: Random): () => Exercise {
  const instruction = random.choice([
    'Is it urgent? yes or no',
    'Urgent?',
    'Does it have to be answered at once? yes or no',
  ])
  return () => {
    let note: Note
    do note = writeNote(random)
    while (note.urgency === null && random.uniform() < 0.75)
    return { instruction, text: note.text, answer: note.urgency === 'urgent' ? 'yes' : 'no' }
  }
}

const QUESTIONS: Record<string, string[]> = {
  ref: ['Which number is given?', 'Copy the reference.', 'Reference number?'],
  name: ['Which name is in the text?', 'Who is named?', 'Name?'],
  day: ['Which day?', 'Which day of the week is named?'],
  month: ['Which month?', 'Name the month.'],
  city: ['Which city?', 'Where?', 'Which place is named?'],
  amount: ['How much?', 'Which amount?', 'Copy the sum.'],
  colour: ['Which colour?', 'What colour is named?'],
  time: ['What time?', 'At which time?'],
  person: ['Which relative or friend?', 'Whom is it about?'],
  phone: ['Which telephone number?', 'Copy the phone number.'],
}

function extractFact(random: Random): () => Exercise {
  const kind = random.choice(Object.keys(QUESTIONS))
  const instruction = random.choice(QUESTIONS[kind]!)
  return () => {
    for (;;) {
      const note = writeNote(random)
      const value = note.facts.get(kind)
      // Misspelled or shouted values are copied as they stand in the note.
      const at = value === undefined ? -1 : note.text.toLowerCase().indexOf(value.toLowerCase())
      if (at >= 0) return { instruction, text: note.text, answer: note.text.slice(at, at + value!.length) }
    }
  }
}

function summarise(random: Random): () => Exercise {
  const named = random.uniform() < 0.5
  const instruction = random.choice(
    named
      ? ['Sum it up.', 'One sentence, please.', 'Summary:', 'Write a short summary.']
      : ['What does the customer want?', 'What is to be done?', 'The wish, in short.'],
  )
  return () => {
    const note = writeNote(random)
    const wishes = note.second ? `${note.topic.wish} and to ${note.second.wish}` : note.topic.wish
    if (!named) return { instruction, text: note.text, answer: `To ${wishes}.` }
    const feeling = { angry: 'An angry', pleased: 'A happy', worried: 'A worried', neutral: 'A' }[note.tone]
    const hurry = note.urgency === 'urgent' ? ' It is urgent.' : ''
    return {
      instruction,
      text: note.text,
      answer: `${feeling} customer of the ${note.trade.name} wants to ${wishes}.${hurry}`,
    }
  }
}

function correctSpelling(random: Random): () => Exercise {
  const instruction = random.choice([
    'Correct the spelling.',
    'Write it without mistakes.',
    'Clean up the text.',
    'Copy with correct spelling.',
  ])
  return () => {
    let note: Note
    do note = writeNote(random)
    while (note.clean.length > 140)
    const care = {
      ...drawCarelessness(random),
      misspelling: 0.7,
      slip: 0.08,
      shouting: false,
      noArticles: false,
    }
    return { instruction, text: roughen(note.clean, care, random), answer: note.clean }
  }
}

function explainTerm(random: Random): () => Exercise {
  const backwards = random.uniform() < 0.4
  const instruction = backwards
    ? 'Which word is explained?'
    : random.choice(['Explain the word.', 'What does it mean?', 'Meaning?'])
  const related = random.uniform() < 0.3
  return () => {
    const kind = random.choice(THING_CLASSES)
    const term = random.choice(Object.keys(kind.terms))
    if (related) {
      const friend = random.choice(Object.keys(kind.terms).filter((other) => other !== term))
      const strangers = random.shuffle(THING_CLASSES.filter((other) => other !== kind)).slice(0, 2)
      const others = strangers.map((other) => random.choice(Object.keys(other.terms)))
      return {
        instruction: 'Which word belongs with the first?',
        text: `${term}: ${random.shuffle([friend, ...others]).join(', ')}`,
        answer: friend,
      }
    }
    const meaning = kind.terms[term]!
    if (backwards) return { instruction, text: meaning, answer: term }
    return { instruction, text: term, answer: `${meaning[0]!.toUpperCase()}${meaning.slice(1)}.` }
  }
}

function findWord(random: Random): () => Exercise {
  const which = random.integer(3)
  const instruction = ['What is the first word?', 'What is the last word?', 'How many words are there?'][
    which
  ]!
  return () => {
    let note: Note
    do note = writeNote(random)
    while (note.clean.length > 60)
    const words = note.clean.replace(/[.,?!]/g, '').split(' ')
    return { instruction, text: note.clean, answer: [words[0]!, words.at(-1)!, String(words.length)][which]! }
  }
}

function answerFact(random: Random, facts: readonly Fact[]): () => Exercise {
  return () => {
    const fact = random.choice(facts)
    return { instruction: fact.question, text: fact.passage ?? '', answer: fact.answer }
  }
}

function labelOf(note: Note, vocabulary: number): string {
  return note.topic.labels[vocabulary] ?? note.topic.labels[0]!
}
