// The signal compiler, its calibration, weights and audits on traffic with planted truth: rules with known precision, ratings
// with known likelihood ratios, users of unequal activity, position and length effects, feedback that depends on length or on
// being right. Margins and sizes were chosen with seed 1; the figures are those of seed 2, run once.
//
//   node bench/signals.ts [--seed 2] [--repetitions 400]
import { parseArgs } from 'node:util'
import { Random, wilsonInterval } from '@regraft/methods'
import { AuditEvidence } from '../packages/regraft/src/signals/audit/evidence.ts'
import { reportOf } from '../packages/regraft/src/signals/audit/step.ts'
import { findingsOf } from '../packages/regraft/src/signals/calibration/findings.ts'
import { Tally } from '../packages/regraft/src/signals/calibration/tally.ts'
import { compileSignals } from '../packages/regraft/src/signals/compile.ts'
import type { RuleInput } from '../packages/regraft/src/signals/rules/index.ts'
import { estimatePropensities, Observations } from '../packages/regraft/src/signals/weights/observations.ts'
import type { FeedbackPayload, FeedbackRow, InferenceRow } from '../packages/regraft/src/store/types.ts'
import { describeMachine } from './measure.ts'

const { values } = parseArgs({
  options: { seed: { type: 'string', default: '2' }, repetitions: { type: 'string', default: '400' } },
})
const repetitions = Number(values.repetitions)
const random = new Random(Number(values.seed), 'signals')
const chance = (p: number) => random.uniform() < p

let ids = 0
const nextId = () => `00000000-0000-7000-8000-${String(++ids).padStart(12, '0')}`
const words = (count: number) =>
  Array.from({ length: count }, () =>
    random.choice(['card', 'late', 'refund', 'where', 'parcel', 'office']),
  ).join(' ')

function answered(answers: string[], more: Partial<InferenceRow> = {}): InferenceRow {
  const candidates = answers.map((content) => ({ content, finishReason: null }))
  return {
    ...{ id: nextId(), digest: '', occurredAt: new Date(ids), derivedFrom: [], subject: null },
    payload: {
      messages: [{ role: 'user', content: words(5) }],
      ...{ response: answers[0]!, model: 'm', adapter: null, route: null, parameters: {}, latencyMs: null },
      ...{ usage: null, finishReason: null, source: { kind: 'serving' } },
      ...(answers.length > 1 ? { candidates } : {}),
    },
    ...more,
  }
}

function inputOf(inference: InferenceRow, events: FeedbackPayload[], others: RuleInput[] = []): RuleInput {
  const feedback = events.map((payload, i): FeedbackRow => {
    return { ...inference, id: `${inference.id}-${i}`, inferenceId: inference.id, payload }
  })
  const find = (id: string) => others.find((other) => other.inference.id === id) ?? null
  return { inference, feedback, find, repeats: () => [] }
}

const share = (name: string, hits: number, n: number) => {
  const { estimate, low, high } = wilsonInterval(hits, n)
  const percent = (value: number) => (value * 100).toFixed(1)
  console.log(`| ${name} | ${percent(estimate)} % | ${percent(low)} to ${percent(high)} | ${n} |`)
}
const table = (title: string, what: string) => {
  console.log(`\n**${title}**\n\n| ${what} | share | 95 % interval | n |\n|---|---|---|---|`)
}

console.log(describeMachine())
console.log(`seed ${values.seed}, ${repetitions} repetitions`)

// What each planted event must become, by kind of event.
table('Compiled as planted', 'event')
const author = 'u'
const PLANTED: Record<string, () => { input: RuleInput; rule: string | null; claim?: object }> = {
  correction() {
    const input = inputOf(answered([words(4)]), [{ type: 'correction', value: `fixed ${words(4)}`, author }])
    const [{ payload }] = input.feedback as [FeedbackRow & { payload: { value: string } }]
    return { input, rule: 'correction', claim: { form: 'replacement', chosen: payload.value } }
  },
  'edit of three words'() {
    const given = words(8)
    const value = given.replace(/\S+ \S+ \S+$/, 'something quite different')
    return {
      input: inputOf(answered([given]), [{ type: 'edit', value, author }]),
      rule: 'edit',
      claim: { form: 'replacement', chosen: value, rejected: given },
    }
  },
  'edit of a character'() {
    const given = words(8)
    const input = inputOf(answered([given]), [{ type: 'edit', value: `${given}.`, author }])
    return { input, rule: 'small-edit', claim: { form: 'replacement', chosen: `${given}.` } }
  },
  'regenerated, then accepted'() {
    const first = answered([words(4)])
    const second = answered([`new ${words(4)}`], {
      payload: { ...first.payload, response: `new ${words(4)}` },
    })
    const accepted = inputOf(second, [{ type: 'accept', author }])
    const input = inputOf(first, [{ type: 'regenerate', next: second.id, author }], [accepted])
    const claim = { form: 'comparison', chosen: second.payload.response!, rejected: first.payload.response! }
    return { input, rule: 'regenerate', claim }
  },
  'regenerated, then called wrong'() {
    const first = answered([words(4)])
    const second = answered([`new ${words(4)}`], {
      payload: { ...first.payload, response: `new ${words(4)}` },
    })
    const bad = inputOf(second, [
      { type: 'accept', author },
      { type: 'thumbs', value: -1, fault: 'wrong', author },
    ])
    return { input: inputOf(first, [{ type: 'regenerate', next: second.id, author }], [bad]), rule: null }
  },
  vote() {
    const answers = [`a ${words(3)}`, `b ${words(3)}`]
    const win = chance(0.5)
    const events: FeedbackPayload[] = [
      { type: 'vote', value: win ? 'win' : 'lose', other: { candidate: 1 }, author },
    ]
    const [chosen, rejected] = win ? answers : answers.toReversed()
    return {
      input: inputOf(answered(answers), events),
      rule: 'vote',
      claim: { form: 'comparison', chosen, rejected },
    }
  },
  tie() {
    const events: FeedbackPayload[] = [{ type: 'vote', value: 'tie', other: { candidate: 1 }, author }]
    return { input: inputOf(answered([`a ${words(3)}`, `b ${words(3)}`]), events), rule: null }
  },
  comment: () => ({
    input: inputOf(answered([words(3)]), [{ type: 'comment', value: 'hm', author }]),
    rule: null,
  }),
}
for (const [name, plant] of Object.entries(PLANTED)) {
  let right = 0
  for (let i = 0; i < repetitions; i++) {
    const { input, rule, claim } = plant()
    const signals = compileSignals(input)
    const [signal] = signals
    const holds =
      rule === null
        ? signals.length === 0
        : signals.length === 1 &&
          signal!.rule === rule &&
          Object.entries(claim!).every(
            ([key, value]) => (signal!.claim as unknown as Record<string, unknown>)[key] === value,
          )
    right += holds ? 1 : 0
  }
  share(name, right, repetitions)
}

// Rules of known precision, judged at random; ratings with known probabilities given right and wrong answers.
const PRECISIONS = { correction: 0.9, edit: 0.8, vote: 0.7, regenerate: 0.6 } as const
const RATES = {
  accept: { right: 0.4, wrong: 0.1 },
  copy: { right: 0.2, wrong: 0.2 },
  abandon: { right: 0.05, wrong: 0.2 },
} as const
const RIGHT = 0.75

function calibrationWorld(judged: number, answers: number) {
  const tally = new Tally(0)
  const judgement = (signal: string | undefined, isRight: boolean): FeedbackPayload => {
    return {
      type: 'judgement',
      value: isRight ? 'right' : 'wrong',
      author: 'judge',
      ...(signal ? { signal } : {}),
    }
  }
  for (const [rule, precision] of Object.entries(PRECISIONS)) {
    for (let i = 0; i < judged; i++) {
      const plant = {
        correction: 'correction',
        edit: 'edit of three words',
        vote: 'vote',
        regenerate: 'regenerated, then accepted',
      }
      const { input } = PLANTED[plant[rule as keyof typeof PRECISIONS]]!()
      const [signal] = compileSignals(input)
      const asked = inputOf(input.inference, [
        ...input.feedback.map(({ payload }) => payload),
        judgement(signal!.id, chance(precision)),
      ])
      const whole = { ...asked, find: input.find }
      tally.add(whole, compileSignals(whole), true)
    }
  }
  for (let i = 0; i < answers; i++) {
    const isRight = chance(RIGHT)
    const events: FeedbackPayload[] = (Object.keys(RATES) as (keyof typeof RATES)[])
      .filter((type) => chance(RATES[type][isRight ? 'right' : 'wrong']))
      .map((type) => ({ type, author }))
    const input = inputOf(answered([words(4)]), [...events, judgement(undefined, isRight)])
    tally.add(input, compileSignals(input), true)
  }
  return findingsOf(tally, { threshold: 0.7, level: 0.95, baseRate: null })
}

const covered = new Map<string, number>()
const passed = new Map<string, number>()
const count = (map: Map<string, number>, key: string, holds: boolean) =>
  map.set(key, (map.get(key) ?? 0) + (holds ? 1 : 0))
for (let i = 0; i < repetitions; i++) {
  for (const { key, low, ratio, outcome } of calibrationWorld(100, 300)) {
    count(passed, key, outcome === 'pass')
    if (key in PRECISIONS) count(covered, key, low <= PRECISIONS[key as keyof typeof PRECISIONS])
    const rates = RATES[key as keyof typeof RATES]
    if (!rates) continue
    const truth = key === 'abandon' ? rates.wrong / rates.right : rates.right / rates.wrong
    count(covered, key, ratio!.low <= truth)
  }
}
table(
  'The one-sided 95 % bound lies below the truth (100 judged signals a rule; 300 judged answers)',
  'rule, truth',
)
const truthOf = (key: string) =>
  key in PRECISIONS
    ? `precision ${PRECISIONS[key as keyof typeof PRECISIONS]}`
    : `P(signal) ${RATES[key as keyof typeof RATES].right} if right, ${RATES[key as keyof typeof RATES].wrong} if wrong`
for (const [key, hits] of covered) share(`${key}, ${truthOf(key)}`, hits, repetitions)
table('Rules that pass (threshold 0.7; a rating 0.5 and a ratio above 1)', 'rule, truth')
for (const [key, hits] of passed) if (covered.has(key)) share(`${key}, ${truthOf(key)}`, hits, repetitions)

// Audits on worlds with one bias each and on one without any.
interface World {
  firstWins: number
  longWins: number
  heavy: number
  givenIfRight: number
  givenIfLong: number
}
const FAIR: World = { firstWins: 0.5, longWins: 0.5, heavy: 0, givenIfRight: 0.5, givenIfLong: 0.5 }
const BIASED: [title: string, bias: Partial<World>][] = [
  ['length of compared answers', { longWins: 0.65 }],
  ['length of compared answers', { longWins: 0.75 }],
  ['position in votes', { firstWins: 0.6 }],
  ['position in votes', { firstWins: 0.7 }],
  ['heavy users', { heavy: 0.5 }],
  ['feedback depends on what is logged', { givenIfLong: 0.15 }],
  ['feedback depends on whether the answer is right', { givenIfRight: 0.75 }],
]

function auditWorld({ firstWins, longWins, heavy, givenIfRight, givenIfLong }: World) {
  const evidence = new AuditEvidence(0)
  for (let i = 0; i < 900; i++) {
    const user = chance(heavy) ? 'one' : `user ${random.integer(80)}`
    const texts = [0, 1].map(() => words(2 + random.integer(14)))
    const events: FeedbackPayload[] = []
    if (i < 600) {
      // A person goes by position or by length, else by neither.
      const longer = texts[0]!.length >= texts[1]!.length
      const byLength = chance(longWins) === longer
      const win = longWins === 0.5 ? chance(firstWins) : byLength
      const value = win ? 'win' : 'lose'
      if (i % 2) events.push({ type: 'vote', value, position: 0, other: { candidate: 1 }, author: user })
      const input = inputOf(answered(texts), events)
      evidence.add(input, compileSignals(input), true)
      continue
    }
    const isRight = chance(0.6)
    const isLong = texts[0]!.length > 45
    const p = isLong && givenIfLong !== 0.5 ? givenIfLong : isRight ? givenIfRight : 0.5
    if (chance(p)) events.push({ type: 'thumbs', value: 1, author: user })
    events.push({ type: 'judgement', value: isRight ? 'right' : 'wrong', author: 'judge' })
    const input = inputOf(answered([texts[0]!]), events)
    evidence.add(input, compileSignals(input), true)
  }
  return new Map(reportOf(evidence, '').parts!.map(({ title, outcome }) => [title, outcome]))
}

const auditRepetitions = Math.ceil(repetitions / 2)
const found = new Map<string, number>()
const alarms = new Map<string, number>()
for (let i = 0; i < auditRepetitions; i++) {
  const fair = auditWorld(FAIR)
  for (const title of new Set(BIASED.map(([audit]) => audit)))
    count(alarms, title, fair.get(title) === 'fail')
  for (const [title, bias] of BIASED) {
    const name = `${title}, ${Object.entries(bias).flat().join(' ')}`
    count(found, name, auditWorld({ ...FAIR, ...bias }).get(title) === 'fail')
  }
}
table('Audits find the planted bias (300 votes, 300 other answers)', 'audit, planted')
for (const [name, hits] of found) share(name, hits, auditRepetitions)
table('Audits fail without a bias', 'audit')
for (const [title, hits] of alarms) share(title, hits, auditRepetitions)

// Weights: the share of right answers among those that bear feedback, when long answers seldom do and are more often right.
const errors = { unweighted: [] as number[], weighted: [] as number[] }
for (let i = 0; i < auditRepetitions; i++) {
  const observations = new Observations()
  const rows: { id: string; right: boolean; given: boolean }[] = []
  for (let j = 0; j < 600; j++) {
    const text = words(2 + random.integer(14))
    const isRight = chance(0.3 + 0.6 * Math.min(1, text.length / 90))
    const isGiven = chance(0.7 - 0.6 * Math.min(1, text.length / 90))
    const input = inputOf(answered([text]), isGiven ? [{ type: 'thumbs', value: 1, author }] : [])
    observations.add(input)
    rows.push({ id: input.inference.id, right: isRight, given: isGiven })
  }
  const propensities = estimatePropensities(observations.model())!
  const truth = rows.filter(({ right }) => right).length / rows.length
  const given = rows.filter((row) => row.given)
  const weightOf = ({ id }: (typeof rows)[number]) => 1 / propensities.get(id)!
  const total = given.reduce((sum, row) => sum + weightOf(row), 0)
  errors.unweighted.push(given.filter(({ right }) => right).length / given.length - truth)
  errors.weighted.push(
    given.filter(({ right }) => right).reduce((sum, row) => sum + weightOf(row), 0) / total - truth,
  )
}
console.log(
  '\n**Share of right answers estimated from those with feedback, minus the truth (long answers seldom bear feedback and are more often right)**\n',
)
console.log('| estimate | mean error | root mean square error | n |\n|---|---|---|---|')
for (const [name, list] of Object.entries(errors)) {
  const mean = list.reduce((sum, value) => sum + value, 0) / list.length
  const square = Math.sqrt(list.reduce((sum, value) => sum + value ** 2, 0) / list.length)
  console.log(`| ${name} | ${mean.toFixed(4)} | ${square.toFixed(4)} | ${list.length} |`)
}
