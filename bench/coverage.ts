// How often intervals cover the truth and tests reject what is true, with planted truths: bootstrap over clusters, calibration
// against its null, DeLong, length control, permutation with unequal spreads, partial pooling. Tuned with
// seed 1: how many items' worth steadies the variance of a slice, and by which error and how many bins calibration is tested.
// The figures are those of seed 2, run once.
//
//   node bench/coverage.ts [--seed 2] [--rounds 600]
import { parseArgs } from 'node:util'
import {
  calibrationTest,
  delongAuc,
  delongDifference,
  lengthControlledWinRate,
  normalCdf,
  pairedBootstrap,
  partialPooling,
  Random,
  unpairedPermutation,
  wilsonInterval,
} from '@regraft/methods'
import { describeMachine } from './measure.ts'

const { values } = parseArgs({
  options: { seed: { type: 'string', default: '2' }, rounds: { type: 'string', default: '600' } },
})
const ROUNDS = Number(values.rounds)
const random = new Random(Number(values.seed), 'coverage')
const many = <T>(n: number, draw: (i: number) => T) => Array.from({ length: n }, (_, i) => draw(i))

/** Counts how often each named thing happens, and prints shares with their intervals. */
function report(title: string, rounds: number, round: (seed: number) => Record<string, boolean[]>): void {
  const counts = new Map<string, { hits: number; n: number }>()
  for (let seed = 0; seed < rounds; seed++) {
    for (const [name, hits] of Object.entries(round(seed))) {
      const count = counts.get(name) ?? { hits: 0, n: 0 }
      counts.set(name, count)
      count.n += hits.length
      count.hits += hits.filter(Boolean).length
    }
  }
  const shares = [...counts].map(([name, { hits, n }]) => {
    const { estimate, low, high } = wilsonInterval(hits, n)
    const percent = (share: number) => (100 * share).toFixed(1)
    return `${name} ${percent(estimate)} % (${percent(low)} to ${percent(high)}, n ${n})`
  })
  console.log(`${title}: ${shares.join('; ')}`)
}

const covers = ({ low, high }: { low: number; high: number }, truth: number) => low <= truth && truth <= high

console.log(await describeMachine())

for (const clusters of [8, 15, 30, 60]) {
  const names = many(5 * clusters, (i) => i % clusters)
  report(`${clusters} clusters of 5 items, half of the variance between clusters`, ROUNDS, (seed) => {
    const effects = many(clusters, () => random.normal())
    const differences = names.map((name) => effects[name]! + random.normal())
    const options = { seed, resamples: 1000 }
    return {
      'over clusters covers': [covers(pairedBootstrap(differences, { ...options, clusters: names }), 0)],
      'over items covers': [covers(pairedBootstrap(differences, options), 0)],
    }
  })
}

for (const n of [100, 200, 500]) {
  for (const loss of [0, 0.1]) {
    report(`${n} confidences from 0.4 to 1, right less often by ${loss}`, ROUNDS / 2, (seed) => {
      const probabilities = many(n, () => 0.4 + 0.6 * random.uniform())
      const correct = probabilities.map((p) => random.uniform() < p - loss)
      const { squared, expected } = calibrationTest(probabilities, correct, { seed, resamples: 199 })
      return {
        'ECE above 0.05': [expected.observed > 0.05],
        'squared gap p ≤ 0.05': [squared.p <= 0.05],
        'ECE p ≤ 0.05': [expected.p <= 0.05],
      }
    })
  }
}

for (const [positives, negatives] of [
  [15, 15],
  [40, 60],
  [200, 200],
] as const) {
  for (const shift of [0.5, 1.5, 3]) {
    const area = normalCdf(shift / 2)
    report(`${positives} and ${negatives} items, area ${area.toFixed(3)}`, ROUNDS, () => {
      const scored = (n: number, mean: number) => {
        const items = many(n, () => mean + random.normal())
        return [0, 1].map(() => items.map((item) => item + random.normal()))
      }
      const [first, second] = [scored(positives, shift), scored(negatives, 0)]
      const scorer = (at: number) => ({ positives: first[at]!, negatives: second[at]! })
      return {
        'delongAuc covers': [covers(delongAuc(first[0]!, second[0]!), area)],
        'equal scorers p ≤ 0.05': [delongDifference(scorer(0), scorer(1)).p <= 0.05],
      }
    })
  }
}

for (const n of [40, 250]) {
  report(`${n} judgements that length decides`, ROUNDS, () => {
    const judgements = many(n, () => {
      const lengthDifference = 100 + 200 * random.normal()
      const p = 1 / (1 + Math.exp(-1.5 * Math.tanh(lengthDifference / 200)))
      return { lengthDifference, preference: random.uniform() < p ? 1 : 0 }
    })
    const rate = lengthControlledWinRate(judgements)
    const plain = wilsonInterval(
      judgements.reduce((sum, { preference }) => sum + preference, 0),
      n,
    )
    return {
      'controlled covers one half': [covers(rate, 0.5)],
      'plain covers one half': [covers(plain, 0.5)],
    }
  })
}

report('12 values of four times the spread beside 60, equal means', ROUNDS, (seed) => {
  const a = many(12, () => 4 * random.normal())
  const b = many(60, () => random.normal())
  return { 'permutation p ≤ 0.05': [unpairedPermutation(a, b, { seed, permutations: 199 }).p <= 0.05] }
})

for (const count of [3, 6, 12]) {
  for (const n of [8, 20, 60, 300]) {
    for (const tau of [0, 0.05, 0.15]) {
      report(`${count} slices of ${n}, standard deviation ${tau} between them`, ROUNDS / 4, () => {
        const truths = many(count, () => Math.max(-0.5, Math.min(0.5, tau * random.normal())))
        const slices = truths.map((truth, i) => {
          const discordance = Math.max(Math.abs(truth), 0.12)
          const gains = (discordance + truth) / 2
          const items = many(n, () => {
            const place = random.uniform()
            return place < gains ? 1 : place < discordance ? -1 : 0
          })
          const estimate = items.reduce((sum: number, item) => sum + item, 0) / n
          const squares = items.reduce((sum: number, item) => sum + (item - estimate) ** 2, 0)
          return { name: `${i}`, estimate, variance: squares / (n - 1) / n, n }
        })
        return {
          'pooled cover': partialPooling(slices).slices.map((slice, i) => covers(slice, truths[i]!)),
          'unpooled ± 1.96 errors cover': slices.map(
            ({ estimate, variance }, i) => Math.abs(estimate - truths[i]!) <= 1.96 * Math.sqrt(variance),
          ),
        }
      })
    }
  }
}
