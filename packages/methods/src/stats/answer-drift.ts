import { checkCount } from './interval.ts'

export interface AnswerDrift {
  /** Prompts whose most frequent answer is another one. */
  changed: number
  /** Mean over the prompts of the squared distance between the two distributions of answers, from 0 to 2. */
  distance: number
  /** Probability of so large a distance if both rounds were answered by the same model. */
  p: number
}

/**
 * Tests whether a model answers prompts as it did before, by two rounds of repeated answers: `before[i]` and `after[i]` are
 * those to prompt i.
 *
 * A hosted model is not deterministic at temperature 0, so that single answers that differ prove nothing. The statistic is
 * the energy distance of the answers, equal or not (Székely and Rizzo 2013), summed over prompts; under the null the answers
 * to a prompt can be exchanged between the rounds. p is exact: all exchanges are counted, the sum by convolution.
 * Throws a RangeError for rounds of unequal length, without answers, or with more answers to one prompt than to another.
 */
export function answerDrift(
  before: readonly (readonly string[])[],
  after: readonly (readonly string[])[],
): AnswerDrift {
  checkCount(before.length, 'prompts', 1)
  if (before.length !== after.length) throw new RangeError('Both rounds must answer the same prompts.')
  const [first, second] = [answersEach(before), answersEach(after)]
  const tables = before.map((answers, index) => countsOf(answers, after[index]!))
  const observed = sum(tables.map((table) => distanceOf(table, first, second)))
  let sums = new Map([[0, 1]])
  for (const table of tables) sums = convolve(sums, exchangesOf(table, first, second))
  const reached = [...sums].filter(([distance]) => distance >= observed)
  const scale = (first * second) ** 2
  return {
    changed: tables.filter((table) => favourite(table, 0) !== favourite(table, 1)).length,
    distance: observed / scale / before.length,
    p: Math.min(1, sum(reached.map(([, probability]) => probability))),
  }
}

function answersEach(round: readonly (readonly string[])[]): number {
  const count = round[0]!.length
  checkCount(count, 'answers', 1)
  if (round.every((answers) => answers.length === count)) return count
  throw new RangeError('Every prompt of a round must have as many answers as the others.')
}

/** How often each answer was given in either round, in the order of the answers. */
type Table = (readonly [before: number, after: number])[]

function countsOf(before: readonly string[], after: readonly string[]): Table {
  const count = (answers: readonly string[], one: string) => answers.filter((answer) => answer === one).length
  return [...new Set([...before, ...after])]
    .sort()
    .map((one) => [count(before, one), count(after, one)] as const)
}

/** (first · second)² Σ (p − q)², which is a whole number. */
function distanceOf(table: Table, first: number, second: number): number {
  return sum(table.map(([before, after]) => (before * second - after * first) ** 2))
}

/** Probability of each distance when the answers to one prompt are exchanged at random between the rounds. */
function exchangesOf(table: Table, first: number, second: number): Map<number, number> {
  let ways = new Map([['0 0', 1]])
  for (const [before, after] of table) {
    const total = before + after
    const next = new Map<string, number>()
    for (const [key, count] of ways) {
      const [taken, distance] = key.split(' ').map(Number) as [number, number]
      for (let take = 0; take <= Math.min(total, first - taken); take++) {
        const reached = `${taken + take} ${distance + (take * second - (total - take) * first) ** 2}`
        next.set(reached, (next.get(reached) ?? 0) + count * choose(total, take))
      }
    }
    ways = next
  }
  const all = choose(first + second, first)
  const complete = [...ways].filter(([key]) => key.startsWith(`${first} `))
  return new Map(complete.map(([key, count]) => [Number(key.split(' ')[1]), count / all]))
}

function convolve(a: Map<number, number>, b: Map<number, number>): Map<number, number> {
  const sums = new Map<number, number>()
  for (const [x, p] of a) for (const [y, q] of b) sums.set(x + y, (sums.get(x + y) ?? 0) + p * q)
  return sums
}

function choose(n: number, k: number): number {
  let ways = 1
  for (let i = 1; i <= k; i++) ways = (ways * (n - k + i)) / i
  return Math.round(ways)
}

/** The most frequent answer of a round; of several the first. */
function favourite(table: Table, round: 0 | 1): number {
  const most = Math.max(...table.map((counts) => counts[round]))
  return table.findIndex((counts) => counts[round] === most)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
