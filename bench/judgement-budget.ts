// What planning human judgements gains over drawing them at random: rules with planted precisions and volumes, a pilot of random
// judgements, then a budget that is drawn at random, planned at once, or planned in two rounds. The planner was tuned with
// seed 1; the figures are those of seed 2, run once.
//
//   node bench/judgement-budget.ts [--seed 2] [--repetitions 500]
import { parseArgs } from 'node:util'
import { judgePrecision, pairedBootstrap, planJudgements, Random } from '@regraft/methods'
import { describeMachine } from './measure.ts'

const { values } = parseArgs({
  options: { seed: { type: 'string', default: '2' }, repetitions: { type: 'string', default: '500' } },
})
const VOLUMES = [2000, 1000, 500, 300, 200, 100, 60, 40]
const PILOT = 80
const THRESHOLD = 0.7

interface Rule {
  key: string
  precision: number
  volume: number
  n: number
  right: number
}

const random = new Random(Number(values.seed), 'judgement-budget')
const judge = (rule: Rule, count: number) => {
  for (let i = 0; i < count && rule.n < rule.volume; i++) {
    rule.n++
    if (random.uniform() < rule.precision) rule.right++
  }
}

const STRATEGIES: Record<string, (rules: Rule[], budget: number) => void> = {
  'at random'(rules, budget) {
    const volumes = rules.map(({ volume }) => volume)
    for (let i = 0; i < budget; i++) judge(rules[random.weighted(volumes)]!, 1)
  },
  planned(rules, budget) {
    const asked = rules.map((rule) => ({ ...rule, available: rule.volume - rule.n, threshold: THRESHOLD }))
    for (const [i, { judgements }] of planJudgements(asked, budget).entries()) judge(rules[i]!, judgements)
  },
  'planned in two rounds'(rules, budget) {
    STRATEGIES.planned!(rules, Math.floor(budget / 2))
    STRATEGIES.planned!(rules, Math.ceil(budget / 2))
  },
}

/** Shares of the signals: of rules that are settled, of those settled wrongly; and how far the estimates are off. */
function outcomeOf(rules: readonly Rule[]) {
  const total = rules.reduce((sum, { volume }) => sum + volume, 0)
  let [settled, mistaken, error] = [0, 0, 0]
  for (const { precision, volume, n, right } of rules) {
    const { outcome, estimate } = judgePrecision(right, n, { threshold: THRESHOLD })
    if (outcome !== 'cannot-tell') settled += volume / total
    if ((outcome === 'pass' && precision < THRESHOLD) || (outcome === 'fail' && precision >= THRESHOLD)) {
      mistaken += volume / total
    }
    error += (Math.abs(estimate - precision) * volume) / total
  }
  return { settled, mistaken, error }
}

console.log(describeMachine())
console.log(
  `${VOLUMES.length} rules of ${VOLUMES.join(', ')} signals, precisions uniform from 0.5 to 0.98, pilot of ${PILOT}, seed ${values.seed}, n = ${values.repetitions}`,
)
console.log(
  '| budget | judgements | signals of settled rules | minus at random (95 %) | settled wrongly | error of the precision |',
)
console.log('|---|---|---|---|---|---|')
for (const budget of [50, 100, 200]) {
  const found: Record<string, ReturnType<typeof outcomeOf>[]> = {}
  for (let repetition = 0; repetition < Number(values.repetitions); repetition++) {
    const rules = VOLUMES.map((volume, i): Rule => {
      return { key: `rule ${i}`, precision: 0.5 + 0.48 * random.uniform(), volume, n: 0, right: 0 }
    })
    STRATEGIES['at random']!(rules, PILOT)
    for (const [name, run] of Object.entries(STRATEGIES)) {
      const copies = rules.map((rule) => ({ ...rule }))
      run(copies, budget)
      found[name] = [...(found[name] ?? []), outcomeOf(copies)]
    }
  }
  for (const [name, runs] of Object.entries(found)) {
    const mean = (figure: (run: (typeof runs)[number]) => number) =>
      runs.reduce((sum, run) => sum + figure(run), 0) / runs.length
    const difference = pairedBootstrap(
      runs.map(({ settled }, i) => settled - found['at random']![i]!.settled),
      { seed: 1 },
    )
    const percent = (share: number) => `${(share * 100).toFixed(1)} %`
    const gain =
      name === 'at random'
        ? ''
        : `${(difference.estimate * 100).toFixed(1)} points (${(difference.low * 100).toFixed(1)} to ${(difference.high * 100).toFixed(1)})`
    console.log(
      `| ${budget} | ${name} | ${percent(mean((run) => run.settled))} | ${gain} | ${percent(mean((run) => run.mistaken))} | ${mean((run) => run.error).toFixed(3)} |`,
    )
  }
}
