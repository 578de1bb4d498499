// How often the bounds of `seedDifference` err: trainings of one recipe, so the true difference is 0. Items have difficulties of their
// own, seeds move all of them. Each bound may err 5 %.
//
//   node bench/seed-interval.ts [--seed 2] [--runs 2000] [--items 200]
import { parseArgs } from 'node:util'
import { Random, seedDifference, wilsonInterval } from '@regraft/methods'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '2' },
    runs: { type: 'string', default: '2000' },
    items: { type: 'string', default: '200' },
  },
})
const [seed, runs, items] = [values.seed, values.runs, values.items].map(Number) as [number, number, number]

for (const seeds of [3, 5, 10]) {
  for (const noise of [0, 0.005, 0.02, 0.05]) {
    const random = new Random(seed, `${seeds}/${noise}`)
    let above = 0
    let below = 0
    let width = 0
    for (let run = 0; run < runs; run++) {
      const chances = Array.from({ length: items }, () => 1 / (1 + Math.exp(-1.5 - 3 * random.normal())))
      const train = () => {
        const move = noise * random.normal()
        return chances.map((chance) => (random.uniform() < chance + move ? 1 : 0))
      }
      const { low, high } = seedDifference(train(), Array.from({ length: seeds }, train))
      if (low > 0) above++
      if (high < 0) below++
      width += (high - low) / 2 / runs
    }
    const shown = [above, below].map((errors) => {
      const { estimate, low, high } = wilsonInterval(errors, runs)
      return `${(estimate * 100).toFixed(1)} % [${(low * 100).toFixed(1)}, ${(high * 100).toFixed(1)}]`
    })
    console.log(
      `${seeds} seeds, which vary by ${noise * 100} points: lower bound errs ${shown[0]}, upper ${shown[1]}, half width ${(width * 100).toFixed(1)} points`,
    )
  }
}
