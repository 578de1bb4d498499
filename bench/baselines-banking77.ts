// The classifiers that an adapter has to beat on banking77, trained on the same 847 rows.
//
//   node bench/baselines-banking77.ts [data folder] [--out predictions.json]
//
// The regularization of logistic regression is chosen on the validation part of the 847 rows; the test rows are
// looked at once. The output file holds each classifier's answer per test row, for paired comparisons.
import { writeFileSync } from 'node:fs'
import os from 'node:os'
import { parseArgs } from 'node:util'
import {
  type Classifier,
  countPairs,
  fitLogisticRegression,
  fitMajorityClass,
  fitNearestNeighbour,
  mcnemarExact,
  pairedDifference,
  wilsonInterval,
} from '@regraft/methods'
import {
  type BankingRow,
  readBanking77,
  SUBSET_SEED,
  selectSubset,
  splitForTuning,
} from './banking77-rows.ts'

type Train = (texts: string[], labels: string[]) => Classifier

const { values, positionals } = parseArgs({ options: { out: { type: 'string' } }, allowPositionals: true })
const data = readBanking77(positionals[0])
const subset = selectSubset(data)
const truth = data.test.map((row) => row.label)

const chosen = chooseRegularization([1, 10, 100, 1000])
const classifiers: Record<string, Train> = {
  majority: fitMajorityClass,
  'nearest-neighbour': fitNearestNeighbour,
  'logistic-regression': (texts, labels) =>
    fitLogisticRegression(texts, labels, { inverseRegularization: chosen }),
}

console.log(
  `${os.cpus()[0]?.model}, ${os.cpus().length} CPUs, load ${os.loadavg()[0]?.toFixed(2)}, Node ${process.version}`,
)
console.log(`${subset.length} training rows (seed ${SUBSET_SEED}), ${truth.length} test rows, C = ${chosen}`)
const predictions: Record<string, string[]> = {}
const right: Record<string, boolean[]> = {}
for (const [name, train] of Object.entries(classifiers)) {
  const start = performance.now()
  const answers = answer(train, subset, data.test)
  const seconds = (performance.now() - start) / 1000
  predictions[name] = answers
  right[name] = answers.map((given, index) => given === truth[index])
  const { estimate, low, high } = wilsonInterval(right[name].filter(Boolean).length, truth.length)
  console.log(
    `${name.padEnd(20)} ${percent(estimate)} (95 %: ${percent(low)} to ${percent(high)}), ${seconds.toFixed(1)} s`,
  )
}
compare('logistic-regression', 'nearest-neighbour')

if (values.out) {
  const rows = data.test.map(({ id, label }, index) => ({
    id,
    label,
    answers: Object.fromEntries(Object.entries(predictions).map(([name, answers]) => [name, answers[index]])),
  }))
  const training = subset.map((row) => row.id)
  writeFileSync(
    values.out,
    `${JSON.stringify({ seed: SUBSET_SEED, regularization: chosen, training, rows })}\n`,
  )
}

/** The value with the most right answers on the validation rows; of equals the most regularized. */
function chooseRegularization(grid: number[]): number {
  const { fit, validation } = splitForTuning(subset)
  const scored = grid.map((inverseRegularization) => {
    const answers = answer(
      (texts, labels) => fitLogisticRegression(texts, labels, { inverseRegularization }),
      fit,
      validation,
    )
    const hits = answers.filter((given, index) => given === validation[index]?.label).length
    console.log(`validation, C = ${inverseRegularization}: ${hits} of ${validation.length}`)
    return { inverseRegularization, hits }
  })
  return scored.reduce((best, next) => (next.hits > best.hits ? next : best)).inverseRegularization
}

function answer(train: Train, examples: BankingRow[], asked: BankingRow[]): string[] {
  const classifier = train(
    examples.map((row) => row.text),
    examples.map((row) => row.label),
  )
  return classifier.predict(asked.map((row) => row.text))
}

function compare(a: string, b: string): void {
  const counts = countPairs(right[a]!, right[b]!)
  const { estimate, low, high } = pairedDifference(counts)
  const { p } = mcnemarExact(counts.onlyA, counts.onlyB)
  console.log(
    `${a} minus ${b}: ${percent(estimate)} (95 %: ${percent(low)} to ${percent(high)}), exact p = ${p.toExponential(1)}`,
  )
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
