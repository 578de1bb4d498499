// How often `gates gap` raises its alarm, passes or cannot tell, by the true gap between the frozen and the fresh suite: exact
// probabilities by enumerating all outcomes of both suites, no simulation.
//
//   node bench/fresh-gap.ts [--fresh 0.8]
import { parseArgs } from 'node:util'
import { binomialPmf } from '@regraft/methods'
import { decideGap } from '../packages/regraft/src/gates/decide-gap.ts'

const { values } = parseArgs({ options: { fresh: { type: 'string', default: '0.8' } } })
const fresh = Number(values.fresh)
const THRESHOLDS = { margin: 0.05, alpha: 0.05 }
const SIZES = [
  [100, 50],
  [400, 150],
  [1000, 500],
] as const
const GAPS = [0, 0.05, 0.1, 0.15, 0.2]
/** Outcomes that are rarer together are left out. */
const NEGLIGIBLE = 1e-7

console.log(`fresh accuracy ${fresh}, margin ${THRESHOLDS.margin}, alpha ${THRESHOLDS.alpha}`)
console.log(
  '| frozen items | fresh items | true gap | alarm | pass | cannot tell |\n|---|---|---|---|---|---|',
)
for (const [frozenItems, freshItems] of SIZES) {
  const outcomes = new Map<string, string>()
  for (const gap of GAPS) {
    const rates = { fail: 0, pass: 0, 'cannot-tell': 0 }
    for (const [right, chance] of likely(frozenItems, fresh + gap)) {
      for (const [other, otherChance] of likely(freshItems, fresh)) {
        const key = `${right} ${other}`
        let outcome = outcomes.get(key)
        if (outcome === undefined) {
          outcome = decideGap(scored(right, frozenItems), scored(other, freshItems), THRESHOLDS).outcome
          outcomes.set(key, outcome)
        }
        rates[outcome as keyof typeof rates] += chance * otherChance
      }
    }
    const cells = [rates.fail, rates.pass, rates['cannot-tell']].map((rate) => `${(rate * 100).toFixed(1)} %`)
    console.log(`| ${frozenItems} | ${freshItems} | ${gap} | ${cells.join(' | ')} |`)
  }
}

function likely(n: number, share: number): [number, number][] {
  return Array.from({ length: n + 1 }, (_, k): [number, number] => [k, binomialPmf(k, n, share)]).filter(
    ([, chance]) => chance > NEGLIGIBLE,
  )
}

function scored(right: number, n: number) {
  return { name: 'suite', measurement: '', correct: Array.from({ length: n }, (_, index) => index < right) }
}
