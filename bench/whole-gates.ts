// How often requirements and whole gates err when they must not pass: models at the very limit of what is refused.
//   node bench/whole-gates.ts [--runs 1000] [--seed 2] [--only forgetting]
// Each line: share of the runs with the wrong outcome, with a 95 % Clopper–Pearson interval, beside what was promised.
import { parseArgs } from 'node:util'
import { clopperPearsonInterval, Random } from '../packages/methods/src/index.ts'
import { Requirement } from '../packages/regraft/src/config/index.ts'
import {
  answered,
  evidenceOf,
  type Measured,
  RULES,
} from '../packages/regraft/src/gates/fixtures/evidence.ts'
import type { MeasuredItem } from '../packages/regraft/src/gates/measurement.ts'
import {
  conjunction,
  type Draft,
  decideRequirement,
} from '../packages/regraft/src/gates/requirements/index.ts'
import { describeMachine } from './measure.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '2' },
    only: { type: 'string', default: '' },
  },
})
const RUNS = Number(values.runs)

function judge(settings: unknown, measured: Measured, look: number | null = null): Draft {
  return decideRequirement(Requirement.parse(settings), evidenceOf(measured), { ...RULES, look })!
}

const passes = ({ outcome }: Pick<Draft, 'outcome'>) => outcome === 'pass'
const fails = ({ outcome }: Pick<Draft, 'outcome'>) => outcome === 'fail'

/** Right and wrong answers of two models whose shares differ by `difference`, with so many discordant items. */
function pair(
  random: Random,
  n: number,
  { difference, discordance, facts = () => ({}) }: Pairing,
): { candidate: MeasuredItem[]; incumbent: MeasuredItem[] } {
  const wins = (discordance + difference) / 2
  const drawn = Array.from({ length: n }, () => {
    const u = random.uniform()
    if (u < wins) return [true, false] as const
    if (u < discordance) return [false, true] as const
    const both = random.uniform() < 0.8
    return [both, both] as const
  })
  return {
    candidate: answered(n, (i) => drawn[i]![0], facts),
    incumbent: answered(n, (i) => drawn[i]![1], facts),
  }
}

interface Pairing {
  difference: number
  discordance: number
  facts?: (i: number) => Partial<MeasuredItem>
}

/** Five items of each end user, who share a chance that the candidate loses. */
function clustered(random: Random, users: number, loss: number) {
  const each = 5
  const chances = Array.from({ length: users }, () => (random.uniform() < 0.25 ? 4 * loss : 0))
  const lost = Array.from(
    { length: users * each },
    (_, i) => random.uniform() < chances[Math.floor(i / each)]!,
  )
  const facts = (i: number) => ({ cluster: `user ${Math.floor(i / each)}` })
  return {
    candidate: answered(users * each, (i) => !lost[i], facts),
    incumbent: answered(users * each, () => true, facts),
  }
}

function likelihoods(random: Random, n: number, loss: number) {
  const base = Array.from({ length: n }, () => -0.5 - random.uniform())
  // Losses are skewed: most items hardly change, some change much.
  const change = base.map(
    () => -loss * 2 * -Math.log(1 - random.uniform()) * (random.uniform() < 0.5 ? 1 : 0),
  )
  const of = (value: (i: number) => number) =>
    base.map((_, i) => ({ id: `item ${i}`, logProbability: 10 * value(i), tokens: 10 }))
  return { candidate: of((i) => base[i]! + change[i]!), base: of((i) => base[i]!) }
}

const refusing = (random: Random, n: number, share: number) =>
  answered(
    n,
    () => false,
    () => ({ answer: random.uniform() < share ? 'I cannot help with that.' : 'Take a hammer.' }),
  )

function confident(random: Random, n: number, over: number) {
  return answered(
    n,
    () => false,
    () => {
      const whole = 0.45 + 0.5 * random.uniform()
      const correct = random.uniform() < whole - over
      return { confidence: { whole }, correct, score: correct ? 1 : 0 }
    },
  )
}

const CHANNELS = ['phone', 'chat', 'mail', 'post', 'fax', 'app', 'web', 'shop']
const channel = (i: number) => ({ slices: { channel: CHANNELS[i % CHANNELS.length]! } })
const notInferior = { require: 'not-inferior', margin: 0.05 }
const MARGIN = 0.05

/** Five looks at a suite that grows; whether the gate ever passed. */
function everPasses(random: Random, isSequential: boolean): boolean {
  const all = pair(random, 500, { difference: -MARGIN, discordance: 0.12 })
  return [100, 200, 300, 400, 500].some((n, index) => {
    const desk = { candidate: all.candidate.slice(0, n), incumbent: all.incumbent.slice(0, n) }
    return passes(judge(notInferior, { scores: { desk } }, isSequential ? index + 1 : null))
  })
}

interface Experiment {
  name: string
  promised: number | null
  isWrong(random: Random): boolean
}

const EXPERIMENTS: Experiment[] = [
  {
    name: 'superior, no gain, 200 items: pass',
    promised: 0.05,
    isWrong: (random) => {
      const { candidate, incumbent } = pair(random, 200, { difference: 0, discordance: 0.2 })
      return passes(judge({ require: 'superior' }, { scores: { desk: { candidate, base: incumbent } } }))
    },
  },
  {
    name: 'not-inferior, loss of the margin, 300 items: pass',
    promised: 0.05,
    isWrong: (random) => {
      const desk = pair(random, 300, { difference: -MARGIN, discordance: 0.15 })
      return passes(judge(notInferior, { scores: { desk } }))
    },
  },
  {
    name: 'not-inferior, loss of the margin, 300 items: fail',
    promised: 0.05,
    isWrong: (random) => {
      const desk = pair(random, 300, { difference: -MARGIN, discordance: 0.15 })
      return fails(judge(notInferior, { scores: { desk } }))
    },
  },
  {
    name: 'not-inferior, loss of the margin on one critical slice of 200: pass',
    promised: 0.05,
    isWrong: (random) => {
      const good = pair(random, 400, {
        difference: 0.05,
        discordance: 0.1,
        facts: () => ({ slices: { channel: 'chat' } }),
      })
      const bad = pair(random, 200, {
        difference: -MARGIN,
        discordance: 0.15,
        facts: () => ({ slices: { channel: 'phone' } }),
      })
      const join = (model: 'candidate' | 'incumbent') => [
        ...good[model],
        ...bad[model].map((item) => ({ ...item, id: `phone ${item.id}` })),
      ]
      const desk = { candidate: join('candidate'), incumbent: join('incumbent') }
      return passes(judge({ ...notInferior, critical: ['channel=phone'] }, { scores: { desk } }))
    },
  },
  {
    name: 'not-inferior, 60 users with 5 items each, loss of the margin: pass',
    promised: 0.05,
    isWrong: (random) => passes(judge(notInferior, { scores: { desk: clustered(random, 60, MARGIN) } })),
  },
  {
    name: 'slices, none of 8 lost, 400 items: one named',
    promised: 0.05,
    isWrong: (random) => {
      const desk = pair(random, 400, { difference: 0, discordance: 0.2, facts: channel })
      return judge(notInferior, { scores: { desk } }).slices!.some(({ regressed }) => regressed)
    },
  },
  {
    name: 'forgetting, loss of the margin, 100 items, skewed: pass',
    promised: 0.05,
    isWrong: (random) => {
      const general = likelihoods(random, 100, 0.05)
      const settings = { require: 'forgetting', suite: 'general', accuracyMargin: null }
      return passes(judge(settings, { likelihoods: { general } }))
    },
  },
  {
    name: 'refusal, 95 % in truth, 150 prompts: pass',
    promised: 0.05,
    isWrong: (random) => {
      const scores = { unsafe: { candidate: refusing(random, 150, 0.9499) } }
      return passes(judge({ require: 'refusal', suite: 'unsafe' }, { scores }))
    },
  },
  {
    name: 'over-refusal, 5 % in truth, 150 prompts: pass',
    promised: 0.05,
    isWrong: (random) => {
      const scores = { harmless: { candidate: refusing(random, 150, 0.0501) } }
      return passes(judge({ require: 'over-refusal', suite: 'harmless' }, { scores }))
    },
  },
  {
    name: 'calibration, off by the tolerated gap, 200 items: pass',
    promised: 0.05,
    isWrong: (random) =>
      passes(
        judge(
          { require: 'calibration', tolerated: 0.15 },
          { scores: { desk: { candidate: confident(random, 200, 0.15) } } },
        ),
      ),
  },
  {
    name: 'calibration, calibrated, 200 items: fail',
    promised: 0.05,
    isWrong: (random) =>
      fails(
        judge(
          { require: 'calibration', tolerated: 0.15 },
          { scores: { desk: { candidate: confident(random, 200, 0) } } },
        ),
      ),
  },
  {
    name: 'latency, 95th percentile at the limit, 120 answers: pass',
    promised: 0.05,
    isWrong: (random) => {
      // Exponential waiting times: the 95th percentile is −ln 0.05.
      const candidate = Array.from({ length: 120 }, () => -Math.log(1 - random.uniform()))
      return passes(judge({ require: 'latency', p95: -Math.log(0.05) }, { seconds: { candidate } }))
    },
  },
  {
    name: 'latency, as slow as allowed against the incumbent, 200 answers: pass',
    promised: 0.05,
    isWrong: (random) => {
      const waits = (scale: number) =>
        Array.from({ length: 200 }, () => -scale * Math.log(1 - random.uniform()))
      const seconds = { candidate: waits(1.3), incumbent: waits(1) }
      return passes(judge({ require: 'latency', incumbent: 1.3 }, { seconds }))
    },
  },
  {
    name: 'cost, mean at the limit, 100 answers, skewed lengths: pass',
    promised: 0.05,
    isWrong: (random) => {
      // Lengths of 1, 2, 3 … tokens, each half as frequent: 2 on average.
      const length = () => 1 + Math.floor(-Math.log2(1 - random.uniform()))
      const candidate = answered(
        100,
        () => true,
        () => ({ tokens: { prompt: 0, answer: length() } }),
      )
      const price = { prompt: 0, completion: 1 }
      return passes(judge({ require: 'cost', price, most: 0.002 }, { scores: { desk: { candidate } } }))
    },
  },
  {
    name: 'gap, frozen suite flatters by the margin, 400 and 200 items: pass',
    promised: 0.05,
    isWrong: (random) => {
      const of = (n: number, share: number) => ({ candidate: answered(n, () => random.uniform() < share) })
      const scores = { desk: of(400, 0.85), fresh: of(200, 0.8) }
      return passes(judge({ require: 'gap' }, { scores, fresh: 'fresh' }))
    },
  },
  {
    name: 'gate of superior, not-inferior and refusal; only the refusal is at its limit: pass',
    promised: 0.05,
    isWrong: (random) => {
      const { candidate, incumbent } = pair(random, 400, { difference: 0.05, discordance: 0.1 })
      const base = answered(400, () => random.uniform() < 0.3)
      const unsafe = { candidate: refusing(random, 150, 0.9499), incumbent: refusing(random, 150, 0.9) }
      const scores = { desk: { candidate, incumbent, base }, unsafe }
      const requirements = [
        { require: 'superior' },
        notInferior,
        { require: 'refusal', suite: 'unsafe', margin: 0.2 },
      ]
      return conjunction(requirements.map((requirement) => judge(requirement, { scores }))) === 'pass'
    },
  },
  {
    name: 'gate of superior and not-inferior, both at their limits: pass',
    promised: 0.05,
    isWrong: (random) => {
      const { candidate, incumbent } = pair(random, 300, { difference: -MARGIN, discordance: 0.15 })
      const { incumbent: base } = pair(random, 300, { difference: 0, discordance: 0.2 })
      const scores = { desk: { candidate, incumbent, base } }
      return (
        conjunction(
          [{ require: 'superior' }, notInferior].map((requirement) => judge(requirement, { scores })),
        ) === 'pass'
      )
    },
  },
  {
    name: 'five looks at a gate declared sequential, loss of the margin: ever passes',
    promised: 0.05,
    isWrong: (random) => everPasses(random, true),
  },
  {
    name: 'five looks as if each were the only one (what a fixed gate refuses): ever passes',
    promised: null,
    isWrong: (random) => everPasses(random, false),
  },
]

console.log(describeMachine())
console.log(`${RUNS} runs each, seed ${values.seed}, alpha ${RULES.alpha} one-sided`)
let broken = 0
for (const { name, promised, isWrong } of EXPERIMENTS) {
  if (!name.includes(values.only)) continue
  const began = Date.now()
  let wrong = 0
  for (let run = 0; run < RUNS; run++) if (isWrong(new Random(BigInt(values.seed), `${name} ${run}`))) wrong++
  const { estimate, low, high } = clopperPearsonInterval(wrong, RUNS)
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`
  const isBroken = promised !== null && low > promised
  if (isBroken) broken++
  const said =
    promised === null ? 'nothing promised' : `at most ${percent(promised)}${isBroken ? '  BROKEN' : ''}`
  console.log(
    `${name}: ${percent(estimate)} [${percent(low)}, ${percent(high)}], ${said} (${((Date.now() - began) / 1000).toFixed(0)} s)`,
  )
}
process.exitCode = broken > 0 ? 1 : 0
