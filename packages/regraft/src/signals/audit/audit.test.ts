import { Random } from '@regraft/methods'
import { expect, test } from 'vitest'
import { inference } from '../../store/spec/fixtures.ts'
import type { FeedbackPayload, FeedbackRow, InferenceRow } from '../../store/types.ts'
import { compileSignals } from '../compile.ts'
import { AuditEvidence } from './evidence.ts'
import { reportOf } from './step.ts'

interface World {
  firstWins: number
  longWins: number
  heavy: boolean
  givenIfRight: number
  givenIfLong: number
}

/** Votes on two candidates, thumbs on answers that are judged too, with biases planted. */
function report(world: World) {
  const random = new Random(11)
  const chance = (p: number) => random.uniform() < p
  const evidence = new AuditEvidence(0)
  for (let i = 0; i < 500; i++) {
    const texts = [0, 1].map(() => 'x'.repeat(20 + random.integer(100)))
    const author = world.heavy && chance(0.8) ? 'one' : `user ${random.integer(60)}`
    const events: FeedbackPayload[] = []
    const isLong = texts[0]!.length > 70
    const isRight = chance(0.7)
    if (i % 2) {
      const prefersLong = chance(world.longWins)
      const longer = texts[0]!.length > texts[1]!.length
      const wins = chance(0.5) ? prefersLong === longer : chance(world.firstWins)
      const value = wins ? 'win' : 'lose'
      events.push({ type: 'vote', value, position: 0, candidate: 0, other: { candidate: 1 }, author })
    }
    const p = (isRight ? world.givenIfRight : 0.5) * (isLong ? world.givenIfLong : 0.6)
    if (i % 2 === 0 && chance(p)) events.push({ type: 'thumbs', value: 1, author })
    if (i % 2 === 0 && chance(0.9))
      events.push({ type: 'judgement', value: isRight ? 'right' : 'wrong', author: 'judge' })
    const about = inference(`question ${i}`) as unknown as InferenceRow
    const row: InferenceRow = {
      ...{ ...about, subject: null, derivedFrom: [], digest: '' },
      payload: {
        ...about.payload,
        response: texts[0]!,
        candidates: texts.map((content) => ({ content, finishReason: null })),
      },
    }
    const feedback = events.map((payload, j): FeedbackRow => {
      return { ...row, id: `${row.id}${j}`, inferenceId: row.id, payload }
    })
    const input = { inference: row, feedback, find: () => null, repeats: () => [] }
    evidence.add(input, compileSignals(input), true)
  }
  const verdict = reportOf(evidence, 'regraft signals audit')
  return new Map([['whole', verdict], ...verdict.parts!.map((part) => [part.title, part] as const)])
}

const FAIR: World = { firstWins: 0.5, longWins: 0.5, heavy: false, givenIfRight: 0.5, givenIfLong: 0.6 }
const outcomeOf = (found: ReturnType<typeof report>, title: string) => found.get(title)?.outcome

test('planted biases are found, each by its own audit', () => {
  const biased = report({ firstWins: 0.95, longWins: 0.95, heavy: true, givenIfRight: 1, givenIfLong: 0.1 })
  for (const title of [
    'length of compared answers',
    'position in votes',
    'heavy users',
    'feedback depends on what is logged',
    'feedback depends on whether the answer is right',
  ]) {
    expect(outcomeOf(biased, title), title).toBe('fail')
  }
  expect(biased.get('whole')).toMatchObject({
    outcome: 'fail',
    reason: '5 audits; nothing bears on 1 others',
  })
})

test('without biases nothing fails, and what is open says how much would settle it', () => {
  const fair = report(FAIR)
  for (const [title, part] of fair) {
    expect(part.outcome, title).not.toBe('fail')
    if (part.outcome === 'cannot-tell') expect(part.needed, title).toBeGreaterThan(part.n)
  }
  expect(outcomeOf(fair, 'heavy users')).toBe('pass')
})
