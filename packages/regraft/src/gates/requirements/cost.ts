import type { RequirementSettings } from '../../config/index.ts'
import { compare, type ErrorRules, type PairedItem, spentAlpha } from '../comparison.ts'
import type { MeasuredItem } from '../measurement.ts'
import { allOf, type Draft, pairItems, type RequirementKind, type SettingsOf } from './requirement.ts'

const ANSWERS = 1000
const MILLION = 1e6

type Price = Extract<RequirementSettings, { require: 'cost' }>['price']

/** The mean price of an answer, from the tokens that were measured, lies below a limit or a multiple of the incumbent's. */
export const cost: RequirementKind<SettingsOf<'cost'>> = {
  needs({ suite: named, incumbent }, { suite, hasIncumbent }) {
    const about = { measure: 'scores', suite: named ?? suite } as const
    const both = incumbent !== undefined && hasIncumbent
    return [{ ...about, model: 'candidate' }, ...(both ? [{ ...about, model: 'incumbent' as const }] : [])]
  },
  decide({ suite: named, price, most, incumbent }, evidence, rules) {
    const suite = named ?? evidence.scope.suite
    const mine = evidence.scores('candidate', suite)
    const priced = mine.value.items.filter(({ tokens }) => tokens !== undefined)
    const priceOf = (item: MeasuredItem) => priceOfAnswer(item, price)
    const parts: Draft[] = []
    if (most !== undefined) {
      const items = priced.map((item) => ({ ...item, limit: most, spent: priceOf(item) }))
      parts.push(
        decideSpending(items, rules, price.currency, {
          title: 'answers cheaply enough',
          limit: `limit ${most}`,
          evidence: [mine.digest],
        }),
      )
    }
    if (incumbent !== undefined && evidence.scope.hasIncumbent) {
      const held = evidence.scores('incumbent', suite)
      const items = pairItems(priced, held.value.items, priceOf).map((item) => {
        return { ...item, limit: incumbent * item.other, spent: item.candidate }
      })
      parts.push(
        decideSpending(items, rules, price.currency, {
          title: `as cheap as ${evidence.names.incumbent}`,
          limit: `at most ${incumbent} times the ${amount(meanOf(items.map(({ limit }) => limit / incumbent)))} of the incumbent`,
          evidence: [mine.digest, held.digest],
        }),
      )
    }
    const [first, ...others] = parts
    if (first === undefined) return null
    return allOf([first, ...others], {
      title: 'answers cheaply enough',
      reason: 'by price and against the incumbent',
    })
  },
}

type Spending = Pick<PairedItem, 'id' | 'cluster'> & { limit: number; spent: number }

/** Whether the mean of what is spent lies below that of the limits, item by item: the limit must be the higher of the two. */
function decideSpending(
  items: readonly Spending[],
  rules: ErrorRules,
  currency: string,
  about: { title: string; limit: string; evidence: string[] },
): Draft {
  const unit = `${currency} for a thousand answers`
  const pairs = items.map(({ id, cluster, limit, spent }) => {
    return { ...{ id, candidate: limit, other: spent }, ...(cluster === undefined ? {} : { cluster }) }
  })
  const once = { alpha: spentAlpha(rules), look: null }
  const { outcome, interval, n, needed, seed } = compare(pairs, { ask: 'superior', expected: 0 }, once)
  const limit = meanOf(items.map((item) => item.limit))
  const spent = meanOf(items.map((item) => item.spent))
  return {
    ...{ outcome, title: about.title, n, effect: spent, unit, limits: [limit], evidence: about.evidence },
    reason: `${amount(spent)} ${unit}; ${about.limit}`,
    ...(interval
      ? { interval: { ...interval, low: limit - interval.high, high: limit - interval.low } }
      : {}),
    ...(needed === undefined ? {} : { needed }),
    ...(seed === undefined ? {} : { seed }),
  }
}

/** Of a thousand answers like this one. */
function priceOfAnswer({ tokens }: MeasuredItem, { prompt, completion }: Price): number {
  return (ANSWERS * ((tokens?.prompt ?? 0) * prompt + (tokens?.answer ?? 0) * completion)) / MILLION
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
}

function amount(value: number): string {
  return String(Number(value.toPrecision(3)))
}
