// How often decisions are wrong where nothing is to be found, or where the truth lies exactly on the margin; and how often the
// planned number of items shows what it was planned for. Methods were chosen with seed 1; the figures are those of seed 2.
// Ends with code 1 if the 95 % interval of a rate lies above its nominal value.
//
//   node bench/null-gates.ts [--seed 2] [--experiments 10000]
import { parseArgs } from 'node:util'
import {
  benjaminiHochberg,
  calibrationTest,
  clopperPearsonInterval,
  confidenceSequence,
  type Decision,
  equivalence,
  equivalenceOfMeans,
  holm,
  itemsForEquivalence,
  itemsForNonInferiority,
  itemsForSequential,
  mcnemarExact,
  median,
  mixtureSprt,
  nonInferiority,
  nonInferiorityOfMeans,
  normalMixtureSequence,
  type PairedCounts,
  pairedPermutation,
  Random,
  sequentialNonInferiority,
  sequentialSuperiority,
  superiority,
  superiorityOfMeans,
} from '@regraft/methods'
import { describeMachine } from './measure.ts'

const { values } = parseArgs({
  options: { seed: { type: 'string', default: '2' }, experiments: { type: 'string', default: '10000' } },
})
const seed = Number(values.seed)
const MANY = Number(values.experiments)
const FEW = Math.max(1000, Math.round(MANY / 5))
const ALPHA = 0.05

let exceeded = 0

/** Repeats an experiment and prints how often it ends with `true`; a rate above the nominal one is an error of this run. */
function falseAlarms(
  name: string,
  experiments: number,
  experiment: (random: Random, trial: number) => boolean,
): void {
  const { text, low } = rateOf(name, experiments, experiment)
  const bad = low > ALPHA
  if (bad) exceeded++
  console.log(`| ${name} | ${experiments.toLocaleString('en')} | ${text} |${bad ? ' above nominal |' : ' |'}`)
}

function rate(
  name: string,
  experiments: number,
  experiment: (random: Random, trial: number) => boolean,
): void {
  const { text } = rateOf(name, experiments, experiment)
  console.log(`| ${name} | ${experiments.toLocaleString('en')} | ${text} |`)
}

function rateOf(name: string, experiments: number, experiment: (random: Random, trial: number) => boolean) {
  const random = new Random(seed, name)
  let hits = 0
  for (let trial = 0; trial < experiments; trial++) if (experiment(random, trial)) hits++
  const { estimate, low, high } = clopperPearsonInterval(hits, experiments)
  const percent = (share: number) => (share * 100).toFixed(1)
  return { text: `${percent(estimate)} % | ${percent(low)} to ${percent(high)}`, low }
}

function heading(...columns: string[]): void {
  console.log(`\n| ${columns.join(' | ')} |\n|${'---|'.repeat(columns.length)}`)
}

interface Truth {
  onlyA: number
  onlyB: number
}

/** The truth at a difference and a share of discordant items. */
function truthOf(difference: number, discordance: number): Truth {
  return { onlyA: (discordance + difference) / 2, onlyB: (discordance - difference) / 2 }
}

function drawDifferences(random: Random, n: number, { onlyA, onlyB }: Truth): number[] {
  return Array.from({ length: n }, () => {
    const at = random.uniform()
    return at < onlyA ? 1 : at < onlyA + onlyB ? -1 : 0
  })
}

function drawCounts(random: Random, n: number, truth: Truth): PairedCounts {
  const counts = { both: 0, onlyA: 0, onlyB: 0, neither: 0 }
  for (const difference of drawDifferences(random, n, truth)) {
    counts[difference > 0 ? 'onlyA' : difference < 0 ? 'onlyB' : 'both']++
  }
  return counts
}

/** A decision that is a function of the counts: equal counts are decided once. */
function remembered(decide: (counts: PairedCounts) => boolean): (counts: PairedCounts) => boolean {
  const known = new Map<string, boolean>()
  return (counts) => {
    const key = JSON.stringify(counts)
    const decided = known.get(key) ?? decide(counts)
    known.set(key, decided)
    return decided
  }
}

function paired(n: number, truth: Truth, decide: (counts: PairedCounts) => boolean) {
  const decided = remembered(decide)
  return (random: Random): boolean => decided(drawCounts(random, n, truth))
}

const passes = ({ outcome }: Decision) => outcome === 'pass'
const fails = ({ outcome }: Decision) => outcome === 'fail'

console.log(describeMachine())
console.log(`seed ${values.seed}; nominal ${ALPHA * 100} % in every row; 95 % Clopper–Pearson intervals`)

heading('paired right and wrong, one look', 'experiments', 'false alarms', '95 %', '')
for (const [n, discordance] of [
  [50, 0.2],
  [247, 0.1],
  [1000, 0.02],
] as const) {
  const design = `${n} items, ${discordance * 100} % discordant`
  const truth = truthOf(0, discordance)
  falseAlarms(
    `superior, equal candidates, ${design}`,
    MANY,
    paired(n, truth, (counts) => passes(superiority(counts))),
  )
  const p = (counts: PairedCounts) => mcnemarExact(counts.onlyA, counts.onlyB)
  falseAlarms(
    `McNemar exact, ${design}`,
    MANY,
    paired(n, truth, (counts) => p(counts).p <= ALPHA),
  )
  falseAlarms(
    `McNemar mid-p, ${design}`,
    MANY,
    paired(n, truth, (counts) => p(counts).midP <= ALPHA),
  )
}
for (const [n, margin, discordance] of [
  [247, 0.05, 0.1],
  [247, 0.05, 0.06],
  [100, 0.05, 0.05],
  [60, 0.1, 0.4],
  [200, 0.1, 0.1],
  [687, 0.03, 0.1],
] as const) {
  const design = `${n} items, ${margin * 100} points, ${discordance * 100} % discordant`
  const truth = truthOf(-margin, discordance)
  falseAlarms(
    `non-inferior at a loss of the margin, ${design}`,
    MANY,
    paired(n, truth, (counts) => passes(nonInferiority(counts, margin))),
  )
  falseAlarms(
    `inferior at a loss of the margin, ${design}`,
    MANY,
    paired(n, truth, (counts) => fails(nonInferiority(counts, margin))),
  )
  falseAlarms(
    `equivalent at a loss of the margin, ${design}`,
    MANY,
    paired(n, truth, (counts) => passes(equivalence(counts, margin))),
  )
}
falseAlarms('Holm over 8 slices of 60 items, none regressed, one is named', MANY, (random) => {
  const pValues = Array.from({ length: 8 }, () => {
    const { onlyA, onlyB } = drawCounts(random, 60, truthOf(0, 0.3))
    return mcnemarExact(onlyA, onlyB).midP
  })
  return holm(pValues).some((p) => p <= ALPHA)
})
falseAlarms('Holm, 4 of 8 slices regressed by 20 points, a sound one is named', MANY, (random) => {
  const pValues = Array.from({ length: 8 }, (_, slice) => {
    const { onlyA, onlyB } = drawCounts(random, 60, truthOf(slice < 4 ? -0.2 : 0, 0.3))
    return mcnemarExact(onlyA, onlyB).midP
  })
  return holm(pValues).some((p, slice) => slice >= 4 && p <= ALPHA)
})
falseAlarms('Benjamini–Hochberg over 20 slices, none regressed, one is named', FEW, (random) => {
  const pValues = Array.from({ length: 20 }, () => {
    const { onlyA, onlyB } = drawCounts(random, 60, truthOf(0, 0.3))
    return mcnemarExact(onlyA, onlyB).midP
  })
  return benjaminiHochberg(pValues).some((p) => p <= ALPHA)
})

const exponential = (random: Random) => -Math.log(1 - random.uniform())
/** Laws of per-item differences with mean 0. */
const laws: Record<string, (random: Random) => number> = {
  normal: (random) => random.normal(),
  'two-sided exponential': (random) => exponential(random) - exponential(random),
  'nine of ten near 0': (random) => random.normal() * (random.uniform() < 0.1 ? 3 : 0.1),
  'right and wrong, 10 % discordant': (random) => drawDifferences(random, 1, truthOf(0, 0.1))[0]!,
  'gains with a long tail': (random) => exponential(random) - 1,
}
const draw = (random: Random, n: number, law: (random: Random) => number, shift = 0) =>
  Array.from({ length: n }, () => law(random) + shift)

heading('means of per-item differences, one look', 'experiments', 'false alarms', '95 %', '')
for (const [name, law] of Object.entries(laws)) {
  for (const n of [20, 80]) {
    falseAlarms(`superior, equal candidates, ${n} items, ${name}`, FEW, (random, trial) =>
      passes(superiorityOfMeans(draw(random, n, law), { seed: trial, resamples: 500 })),
    )
  }
  falseAlarms(`non-inferior at a loss of the margin, 40 items, ${name}`, FEW, (random, trial) =>
    passes(nonInferiorityOfMeans(draw(random, 40, law, -0.5), 0.5, { seed: trial, resamples: 500 })),
  )
  falseAlarms(`equivalent at a loss of the margin, 200 items, ${name}`, FEW, (random, trial) =>
    passes(equivalenceOfMeans(draw(random, 200, law, -0.5), 0.5, { seed: trial, resamples: 300 })),
  )
}
falseAlarms(
  'superior, 20 users with 1 to 8 items each that share half of their variance',
  FEW,
  (random, trial) => {
    const clusters: number[] = []
    const differences: number[] = []
    for (let user = 0; user < 20; user++) {
      const own = random.normal()
      for (let item = random.integer(8); item >= 0; item--) {
        clusters.push(user)
        differences.push(own + random.normal())
      }
    }
    return passes(superiorityOfMeans(differences, { seed: trial, resamples: 500, clusters }))
  },
)
falseAlarms('permutation, all flips, 12 items, two-sided exponential', MANY, (random, trial) => {
  const differences = draw(random, 12, laws['two-sided exponential']!)
  return pairedPermutation(differences, { seed: trial }).p <= ALPHA
})
falseAlarms('permutation, 999 random flips, 60 items, normal', FEW, (random, trial) => {
  const differences = draw(random, 60, laws.normal!)
  return pairedPermutation(differences, { seed: trial, permutations: 999 }).p <= ALPHA
})
falseAlarms('calibration, 300 items of a calibrated model', 1000, (random, trial) => {
  const probabilities = Array.from({ length: 300 }, () => 0.5 + 0.5 * random.uniform())
  const correct = probabilities.map((probability) => random.uniform() < probability)
  return calibrationTest(probabilities, correct, { seed: trial, resamples: 300 }).squared.p <= ALPHA
})

heading('a look after every item', 'experiments', 'false alarms', '95 %', '')
for (const [items, margin, discordance] of [
  [2000, 0.05, 0.1],
  [2000, 0.02, 0.1],
  [2000, 0.1, 0.4],
] as const) {
  const truth = truthOf(-margin, discordance)
  const design = `up to ${items.toLocaleString('en')} items, ${margin * 100} points, ${discordance * 100} % discordant`
  falseAlarms(`non-inferior at a loss of the margin, ${design}`, FEW, (random) =>
    passes(sequentialNonInferiority(drawDifferences(random, items, truth), margin)),
  )
  falseAlarms(`inferior at a loss of the margin, ${design}`, FEW, (random) =>
    fails(sequentialNonInferiority(drawDifferences(random, items, truth), margin)),
  )
}
falseAlarms('superior, equal candidates, up to 2,000 items, 10 % discordant', FEW, (random) =>
  passes(sequentialSuperiority(drawDifferences(random, 2000, truthOf(0, 0.1)))),
)
falseAlarms(
  'confidence sequence leaves out the mean, up to 1,000 values in 0 to 1 with a long tail',
  FEW,
  (random) => {
    const { low, high } = confidenceSequence(
      draw(random, 1000, (source) => source.uniform() ** 5),
      { low: 0, high: 1 },
    )
    return low > 1 / 6 || high < 1 / 6
  },
)
for (const [name, law] of [
  ['normal', laws.normal!],
  ['two-sided exponential', laws['two-sided exponential']!],
] as const) {
  falseAlarms(`normal mixture leaves out the mean, up to 1,000 values, ${name}`, FEW, (random) => {
    const { low, high } = normalMixtureSequence(draw(random, 1000, law), { plannedItems: 300 })
    return low > 0 || high < 0
  })
  falseAlarms(`mixture SPRT, up to 1,000 values, ${name}`, FEW, (random) => {
    return mixtureSprt(draw(random, 1000, law), { plannedItems: 300 }).p <= ALPHA
  })
}

heading('for contrast: what the methods do not claim', 'experiments', 'false alarms', '95 %')
const passesOnce = remembered((counts) => passes(nonInferiority(counts, 0.05)))
rate('the one-look test of non-inferiority, looked at after 100, 200 … 1,000 items', 1000, (random) => {
  const counts = { both: 0, onlyA: 0, onlyB: 0, neither: 0 }
  for (let look = 0; look < 10; look++) {
    const more = drawCounts(random, 100, truthOf(-0.05, 0.1))
    counts.both += more.both
    counts.onlyA += more.onlyA
    counts.onlyB += more.onlyB
    if (passesOnce(counts)) return true
  }
  return false
})
for (const n of [20, 80, 250]) {
  rate(`superior by means, ${n} items, losses with a long tail (exponential)`, FEW, (random, trial) =>
    passes(
      superiorityOfMeans(
        draw(random, n, (source) => 1 - exponential(source)),
        { seed: trial, resamples: 500 },
      ),
    ),
  )
}

heading('power at equal candidates, 10 % discordant', 'experiments', 'pass', '95 %')
for (const margin of [0.05, 0.03, 0.02]) {
  const n = itemsForNonInferiority({ margin, discordance: 0.1 })
  rate(
    `non-inferior, ${margin * 100} points, ${n} items`,
    FEW,
    paired(n, truthOf(0, 0.1), (counts) => passes(nonInferiority(counts, margin))),
  )
}
const equivalenceItems = itemsForEquivalence({ margin: 0.05, discordance: 0.1 })
rate(
  `equivalent, 5 points, ${equivalenceItems} items`,
  FEW,
  paired(equivalenceItems, truthOf(0, 0.1), (counts) => passes(equivalence(counts, 0.05))),
)
for (const margin of [0.05, 0.02]) {
  const n = itemsForSequential({ margin, discordance: 0.1 })
  const stops: number[] = []
  rate(
    `non-inferior with a look after every item, ${margin * 100} points, up to ${n} items`,
    FEW,
    (random) => {
      const { outcome, settledAt } = sequentialNonInferiority(
        drawDifferences(random, n, truthOf(0, 0.1)),
        margin,
      )
      stops.push(outcome === 'pass' && settledAt !== undefined ? settledAt : Number.POSITIVE_INFINITY)
      return outcome === 'pass'
    },
  )
  console.log(`| half of all experiments have passed by item ${median(stops)} | | | |`)
}
if (exceeded > 0) {
  console.log(`\n${exceeded} rates lie above nominal`)
  process.exitCode = 1
}
