import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Scorer } from '../../config/index.ts'
import { type AnswerScorer, answerScorer, correctFrom, describeScorer, multipleChoice } from './index.ts'
import { lastNumber } from './numeric.ts'

function scorer(settings: object) {
  return answerScorer(Scorer.parse(settings) as AnswerScorer)
}

function scores(settings: object, expected: string, answers: readonly string[]): number[] {
  const score = scorer(settings)
  return answers.map((answer) => score(answer, { expected }))
}

test('label match drops outer white space, case and a closing full stop, and nothing else', () => {
  const answers = ['cards', ' Cards.', 'CARDS', 'cards!', 'the label is cards', 'card', '']
  expect(scores({ kind: 'label-match' }, 'cards', answers)).toEqual([1, 1, 1, 0, 0, 0, 0])
})

test('a regular expression must match, and its first group must be the expected answer where that is asked for', () => {
  const answers = ['Answer: 42', 'answer: 42', 'Answer: 41', 'well, Answer: 42', '42']
  expect(scores({ kind: 'regex', pattern: '^Answer: \\d+$' }, '42', answers)).toEqual([1, 0, 1, 0, 0])
  const compared = { kind: 'regex', pattern: '^answer: (\\d+)$', flags: 'iu', compare: true }
  expect(scores(compared, '42', answers)).toEqual([1, 1, 0, 0, 0])
  const optional = { kind: 'regex', pattern: 'A(b)?', compare: true }
  expect(scores(optional, 'b', ['A', 'Ab'])).toEqual([0, 1])
})

test('an expression that backtracks for hours is stopped, and the message says which', () => {
  const score = scorer({ kind: 'regex', pattern: '^(a+)+$' })
  const hostile = `${'a'.repeat(40)}b`
  expect(() => score(hostile, { expected: '' })).toThrow(
    /the pattern \^\(a\+\)\+\$ takes longer than 1000 ms/,
  )
  expect(score('aaa', { expected: '' })).toBe(1)
})

const TICKET = {
  type: 'object',
  properties: { queue: { enum: ['cards', 'parcels'] }, urgency: { type: 'integer', minimum: 0 } },
  required: ['queue'],
  additionalProperties: false,
}

test('JSON is read bare or from the only code fence, and must be what the schema accepts', () => {
  const right = [
    '{"queue":"cards"}',
    '```json\n{"queue": "cards", "urgency": 2}\n```',
    'Here:\n```\n{"queue":"parcels"}\n```\nDone.',
  ]
  const wrong = [
    '{"queue":"other"}',
    '{"queue":"cards","urgency":-1}',
    '{"queue":"cards","more":1}',
    'The queue is {"queue":"cards"}',
    '```json\n{"queue":"cards"}\n```\n```json\n{"queue":"parcels"}\n```',
    '{"queue":"cards"',
    '[]',
    '',
    '```json\n```',
  ]
  const kind = { kind: 'json-schema', schema: TICKET }
  expect(scores(kind, '', right)).toEqual([1, 1, 1])
  expect(scores(kind, '', wrong)).toEqual(wrong.map(() => 0))
  const expected = '{"urgency": 2, "queue": "cards"}'
  expect(scores({ ...kind, compare: true }, expected, [...right, ...wrong])).toEqual([
    0,
    1,
    0,
    ...wrong.map(() => 0),
  ])
})

test('JSON Schema 2020-12 is the rule, draft-07 where the schema says so', () => {
  const tuple = { type: 'array', prefixItems: [{ type: 'integer' }], items: false }
  expect(scores({ kind: 'json-schema', schema: tuple }, '', ['[1]', '["1"]', '[1,2]'])).toEqual([1, 0, 0])
  const old = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    items: [{ type: 'integer' }],
    additionalItems: false,
  }
  expect(scores({ kind: 'json-schema', schema: old }, '', ['[1]', '["1"]', '[1,2]'])).toEqual([1, 0, 0])
  expect(() => scorer({ kind: 'json-schema', schema: { type: 'objekt' } })).toThrow(/is no JSON Schema/)
  expect(() => scorer({ kind: 'json-schema', schema: { propertys: {} } })).toThrow(/propertys/)
  expect(() => scorer({ kind: 'json-schema', schema: { $ref: 'https://example.com/other.json' } })).toThrow(
    /is no JSON Schema/,
  )
})

test('the last number counts, within a tolerance', () => {
  const exact = { kind: 'numeric' }
  expect(
    scores(exact, '42', ['42', 'It is 42.', '40 + 2 = 42', '42 of 50', '42.0', '4.2e1', '−42', '', 'none']),
  ).toEqual([1, 1, 1, 0, 1, 1, 0, 0, 0])
  expect(scores({ kind: 'numeric', absolute: 0.5 }, '10', ['10.5', '9.5', '10.6'])).toEqual([1, 1, 0])
  expect(scores({ kind: 'numeric', relative: 0.1 }, '200', ['180', '220', '179', '221'])).toEqual([
    1, 1, 0, 0,
  ])
  expect(
    scores({ kind: 'numeric', decimal: 'comma' }, '1234,5', ['1.234,5 €', '1 234,5', '1’234,5', '1.234.5']),
  ).toEqual([1, 0, 1, 0])
  expect(scores(exact, 'no number', ['no number'])).toEqual([0])
})

test.each([
  ['1,234,567', 1_234_567],
  ['1\u202f234', 1234],
  ["1'234.50", 1234.5],
  ['1,234', 1234],
  ['12,34', null],
  ['1.2.3', null],
  ['B12', null],
  ['12kg', 12],
  ['$-3', -3],
  ['5-3', 3],
  ['.5', 0.5],
  ['1e3', 1000],
  ['1,2345', null],
  ['from 1,000 to 2,000.', 2000],
])('of %s the last number is %s', (text, value) => {
  expect(lastNumber(text, 'point')).toBe(value)
})

test('numbers as people of different countries write them are read back', () => {
  const locales = [
    ['en-US', 'point'],
    ['de-CH', 'point'],
    ['de-DE', 'comma'],
    ['fr-FR', 'comma'],
  ] as const
  fc.assert(
    fc.property(fc.integer({ min: -(10 ** 9), max: 10 ** 9 }), fc.nat(3), (whole, decimals) => {
      for (const [locale, decimal] of locales) {
        const value = whole / 10 ** decimals
        const text = new Intl.NumberFormat(locale, { minimumFractionDigits: decimals }).format(value)
        expect(lastNumber(`It costs ${text} €, I think.`, decimal)).toBe(value === 0 ? 0 : value)
      }
    }),
  )
})

test('any text is scored or refused without an error', () => {
  const all = [
    { kind: 'label-match' },
    { kind: 'regex', pattern: '(\\w+)', compare: true },
    { kind: 'json-schema', schema: TICKET, compare: true },
    { kind: 'numeric', relative: 0.1 },
    { kind: 'reference-similarity' },
    { kind: 'reference-similarity', measure: 'rouge-l' },
  ].map(scorer)
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.json(), fc.stringMatching(/^[`{}"\d.,\n a-z]*$/))
  fc.assert(
    fc.property(text, text, (answer, expected) => {
      for (const score of all) {
        const value = score(answer, { expected })
        expect(value).toBeGreaterThanOrEqual(0)
        expect(value).toBeLessThanOrEqual(1)
      }
    }),
    { numRuns: 40 },
  )
})

test('similarity is graded, and counts as right from its bound on', () => {
  const settings = Scorer.parse({ kind: 'reference-similarity', correctFrom: 0.6 })
  // sacrebleu 2.6.0: 61.9 for this pair.
  const [near, far] = scores(settings, 'the cat sat on the mat', ['the cat is on the mat', 'a dog'])
  expect(near).toBeCloseTo(0.6193, 4)
  expect(far).toBeLessThan(0.2)
  expect(correctFrom(settings)).toBe(0.6)
  expect(correctFrom({ kind: 'label-match' })).toBe(1)
})

test('the most probable choice is taken; normalising by tokens undoes the bias to short ones', () => {
  const log = (...values: number[]) => values.map(Math.log)
  const choices = [log(0.5, 0.4), log(0.9, 0.6, 0.35), log(0.1)]
  const plain = multipleChoice(choices, { normalise: false })
  expect(plain.index).toBe(0)
  expect(plain.probability).toBeCloseTo(0.2 / (0.2 + 0.189 + 0.1), 12)
  expect(multipleChoice(choices, { normalise: true }).index).toBe(1)
  expect(multipleChoice([[-1], [-1]], { normalise: false })).toEqual({ index: 0, probability: 0.5 })
  expect(multipleChoice([[-2000], [-3000]], { normalise: false })).toEqual({ index: 0, probability: 1 })
})

test('a verdict says how answers were scored in a few words', () => {
  const said = (settings: object) => describeScorer(Scorer.parse(settings))
  expect(said({ kind: 'label-match' })).toBe('label-match')
  expect(said({ kind: 'regex', pattern: '^a$' })).toBe('regex (compare false, flags u, pattern ^a$)')
  const rubric = 'Is it right? '.repeat(9)
  expect(said({ kind: 'judge', judge: 'strict', rubric })).toMatch(
    /^judge \(correctFrom 0\.75, highest 5, judge strict, lowest 1, rubric (Is it right\? ){3}I…\)$/,
  )
})

test.each([
  [{ kind: 'regex', pattern: '(' }, /no regular expression/],
  [{ kind: 'regex', pattern: 'a', flags: 'g' }, /some of i, m, s and u/],
  [{ kind: 'regex', pattern: 'a', flags: 'ii' }, /no regular expression/],
  [{ kind: 'regex', pattern: 'Answer: .*', compare: true }, /compare needs a group/],
  [{ kind: 'numeric', absolute: -1 }, /expected/],
  [{ kind: 'judge', judge: 'strict', rubric: ' ' }, /rubric|expected/],
  [{ kind: 'judge', judge: 'strict', rubric: 'be right', lowest: 5 }, /above the worst/],
  [{ kind: 'reference-similarity', correctFrom: 0 }, /expected/],
  [{ kind: 'exact' }, /expected|discriminator/i],
  [{ kind: 'label-match', pattern: 'x' }, /pattern/],
])('settings that make no sense are refused: %o', (settings, problem) => {
  const { success, error } = Scorer.safeParse(settings)
  expect(success).toBe(false)
  expect(error!.message).toMatch(problem)
})
