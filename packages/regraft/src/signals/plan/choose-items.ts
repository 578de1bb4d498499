import { type Allocation, type PlannedRule, planJudgements, Random } from '@regraft/methods'

/** Something that a person could judge: an answer, or a compiled signal. */
export interface Judgeable {
  inference: string
  candidate: number
  /** Id of the signal; null for an answer. */
  signal: string | null
  /** Keys of the rules that a judgement of it would count for. */
  keys: string[]
}

export interface ChosenItem extends Judgeable {
  /** Probability with which it was chosen. */
  propensity: number
}

export interface ItemPlan {
  items: ChosenItem[]
  allocation: Allocation[]
  /** Answers drawn from all of them, whatever they bear: they tell the share of right ones. */
  random: number
}

/** Share of the judgements that go to answers drawn from all of them †. */
const RANDOM_SHARE = 0.2

/**
 * Chooses what people should judge: a random slice of all answers, and for each rule as many of its signals, drawn at random, as
 * its calibration gains most from. Each item bears the probability with which it was chosen, so that estimates can undo the
 * choice.
 */
export function chooseItems(
  pool: { answers: readonly Judgeable[]; byRule: ReadonlyMap<string, readonly Judgeable[]> },
  rules: readonly Omit<PlannedRule, 'available'>[],
  options: { budget: number; seed: number; level: number },
): ItemPlan {
  const { budget, seed, level } = options
  const randomCount = Math.min(pool.answers.length, Math.round(budget * RANDOM_SHARE))
  const availableOf = (key: string) => pool.byRule.get(key)?.length ?? 0
  const planned = rules.map((rule) => ({ ...rule, available: availableOf(rule.key) }))
  const allocation = planJudgements(planned, budget - randomCount, { level })
  const rateOf = new Map(
    allocation.map(({ key, judgements }) => [key, judgements / Math.max(1, availableOf(key))]),
  )
  const randomRate = randomCount / Math.max(1, pool.answers.length)
  const chosen = new Map<string, ChosenItem>()
  const choose = (item: Judgeable) => {
    const missed = item.keys.reduce(
      (product, key) => product * (1 - (rateOf.get(key) ?? 0)),
      item.signal === null ? 1 - randomRate : 1,
    )
    chosen.set(`${item.inference} ${item.signal ?? item.candidate}`, {
      ...item,
      propensity: Number(Math.max(1 - missed, 1e-6).toPrecision(4)),
    })
  }
  const random = new Random(seed, 'random slice').shuffle(pool.answers).slice(0, randomCount)
  for (const item of random) choose(item)
  for (const { key, judgements } of allocation) {
    const drawn = new Random(seed, `rule ${key}`).shuffle(pool.byRule.get(key) ?? []).slice(0, judgements)
    for (const item of drawn) choose(item)
  }
  // The order must not tell which rule an item is there for.
  return { items: new Random(seed, 'order').shuffle([...chosen.values()]), allocation, random: random.length }
}
