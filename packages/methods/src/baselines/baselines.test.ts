import { expect, test } from 'vitest'
import { fitLogisticRegression } from './logistic-regression.ts'
import { fitMajorityClass } from './majority-class.ts'
import { fitNearestNeighbour } from './nearest-neighbour.ts'

const examples: [string, string][] = [
  ['my card is lost', 'card'],
  ['the card was stolen yesterday', 'card'],
  ['card not working', 'card'],
  ['block my card please', 'card'],
  ['new card', 'card'],
  ['transfer not arrived', 'transfer'],
  ['where is my transfer', 'transfer'],
  ['cancel a transfer', 'transfer'],
  ['top up failed', 'topup'],
  ['how do i top up', 'topup'],
]
const texts = examples.map(([text]) => text)
const labels = examples.map(([, label]) => label)
const asked = ['my transfer', 'is my card topped up', 'where is it', 'stolen transfer', 'what', 'not arrived']

test('the majority class answers always with the most frequent label, the first of equals', () => {
  expect(fitMajorityClass(texts, labels).predict(['top up', ''])).toEqual(['card', 'card'])
  expect(fitMajorityClass(['a', 'b'], ['late', 'early']).predict(['c'])).toEqual(['late'])
})

test('the nearest neighbour knows its training texts and tolerates misspellings', () => {
  const classifier = fitNearestNeighbour(texts, labels)
  expect(classifier.predict(texts)).toEqual(labels)
  expect(classifier.predict(['wheres my tranfser', 'topup fails'])).toEqual(['transfer', 'topup'])
  expect(classifier.predict(['日本'])).toEqual(['card'])
})

// scikit-learn 1.9.1: TfidfVectorizer(analyzer='char_wb', ngram_range=(2, 5), sublinear_tf=True), LogisticRegression(C, tol=1e-9).
// On the 847 rows and 3,080 test rows of bench/banking77-rows.ts the two agree on 3,080, 3,080 and 3,079 answers
// at C = 1, 10 and 100, and the nearest neighbour on all.
test.each([
  [0.05, ['card', 'card', 'card', 'card', 'card', 'card']],
  [1, ['transfer', 'card', 'card', 'transfer', 'card', 'card']],
  [100, ['transfer', 'card', 'transfer', 'transfer', 'card', 'transfer']],
])('logistic regression with C = %f answers like scikit-learn', (inverseRegularization, expected) => {
  expect(fitLogisticRegression(texts, labels, { inverseRegularization }).predict(asked)).toEqual(expected)
})

test('a fit that is cut short is reported', () => {
  expect(() => fitLogisticRegression(texts, labels, { maximumIterations: 2 })).toThrow(/did not reach/)
})

test.each([fitMajorityClass, fitNearestNeighbour, fitLogisticRegression])(
  '%o refuses broken examples',
  (fit) => {
    expect(() => fit(['a'], [])).toThrow(/one label/)
    expect(() => fit([], [])).toThrow(/at least one/)
  },
)
