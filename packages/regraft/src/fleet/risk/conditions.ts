import type { Config } from '../../config/index.ts'
import { daysBetween, dayText } from './days.ts'
import type { Person, RiskFacts } from './facts.ts'

export const CONDITIONS = [
  'record',
  'owner',
  'deputy',
  'rows',
  'inputs',
  'retention',
  'drill',
  'end-of-life',
  'fingerprint',
] as const

/** One thing that may turn an adapter into an orphan. */
export interface Condition {
  condition: (typeof CONDITIONS)[number]
  red: boolean
  reason: string
  /** What a person does about it; empty where there is nothing to do. */
  fix: string
  /** Days until the adapter cannot be rebuilt any more because of this; null where this does not end it. */
  daysLeft: number | null
}

export interface RiskSettings {
  /** Thresholds, in days. */
  days: Config['fleet']
  now: Date
}

type Judge = (facts: RiskFacts, settings: RiskSettings) => Omit<Condition, 'condition'> | null

const sound = (reason: string, daysLeft: number | null = null) => ({ red: false, reason, fix: '', daysLeft })

const record: Judge = ({ name, missing }) => {
  if (missing.length === 0) return sound('the record is complete')
  const reason = `the record lacks ${missing.map(({ entry }) => entry).join(', ')}`
  return { red: true, reason, fix: `regraft fleet show ${name} says what adds each`, daysLeft: null }
}

const owner: Judge = ({ owner: person, deputy, registeredAt }, settings) => {
  const absence = absenceOf('owner', person, registeredAt, settings)
  if (absence === null) return sound(presenceOf('owner', person!, registeredAt))
  const other = absenceOf('deputy', deputy, registeredAt, settings)
  const rest = other === null ? `the deputy ${deputy!.name} is there` : other
  return { red: true, reason: `${absence}; ${rest}`, fix: personFix(person), daysLeft: null }
}

/** Not red by itself: the owner is there. */
const deputy: Judge = ({ deputy: person, registeredAt }, settings) => {
  const absence = absenceOf('deputy', person, registeredAt, settings)
  if (absence === null) return sound(presenceOf('deputy', person!, registeredAt))
  return { red: false, reason: absence, fix: personFix(person), daysLeft: null }
}

function absenceOf(
  role: string,
  person: Person | null,
  registeredAt: Date,
  { days, now }: RiskSettings,
): string | null {
  if (person === null) return `there is no ${role}`
  const { name, left } = person
  if (left !== null && left <= now) return `the ${role} ${name} left on ${dayText(left)}`
  const quiet = daysBetween(lastSign(person, registeredAt), now)
  if (quiet <= days.ownerInactiveDays) return null
  return `nothing has been seen of the ${role} ${name} for ${quiet} days (more than ${days.ownerInactiveDays}†)`
}

function presenceOf(role: string, person: Person, registeredAt: Date): string {
  return `the ${role} ${person.name} was last seen on ${dayText(lastSign(person, registeredAt))}`
}

/** Whoever is named in a registration was there then. */
function lastSign({ lastActive }: Person, registeredAt: Date): Date {
  return lastActive !== null && lastActive > registeredAt ? lastActive : registeredAt
}

function personFix(person: Person | null): string {
  const present = person === null ? '' : `, or say that they are there: people.${person.name}.lastActive`
  return `register it again with somebody who answers for it${present}`
}

const rows: Judge = ({ rows: found, missing, name }) => {
  if (found === null) {
    const fix = missing.length > 0 ? `regraft fleet show ${name}` : 'find the rows it was trained on'
    return { red: true, reason: 'nobody knows the rows that it was trained on', fix, daysLeft: 0 }
  }
  const lost = [
    found.missing > 0 ? `${found.missing} of ${found.rows} training rows are gone` : '',
    found.changed > 0 ? `${found.changed} of ${found.rows} training rows are others than those recorded` : '',
    found.withoutKey > 0 ? `the keys of ${found.withoutKey} people whose rows it learned are gone` : '',
  ].filter((text) => text !== '')
  if (lost.length === 0) return sound(`all ${found.rows} rows are there`)
  const fix = 'restore them from a backup, or train it again on what is left'
  return { red: true, reason: lost.join('; '), fix, daysLeft: 0 }
}

const inputs: Judge = ({ lostInputs, name }) => {
  if (lostInputs.length === 0) return sound('records, files and base are there')
  const fix = `put back what is named; regraft fleet rebuild ${name} checks every byte`
  return { red: true, reason: lostInputs.join('; '), fix, daysLeft: 0 }
}

const retention: Judge = ({ retention: facts, lastDrill, registeredAt }, { days, now }) => {
  const [first] = facts.toSorted((a, b) => a.expires.getTime() - b.expires.getTime())
  if (!first) return sound('no source is said to expire')
  const due = nextDrill(lastDrill?.at ?? registeredAt, days.drillDays, now)
  const left = daysBetween(now, first.expires)
  const when =
    left < 0 ? `since ${dayText(first.expires)}` : `from ${dayText(first.expires)} on, in ${left} days`
  const reason = `rows of ${first.source} are deleted ${when}`
  if (daysBetween(due, first.expires) >= 0) return sound(reason, left)
  const before = left < 0 ? '' : `, before the next drill on ${dayText(due)}`
  const fix =
    'keep the rows longer (sources in regraft.yaml says how long they stay), or train it again on newer ones'
  return { red: true, reason: reason + before, fix, daysLeft: Math.max(0, left) }
}

function nextDrill(last: Date, every: number, now: Date): Date {
  return new Date(Math.max(now.getTime(), last.getTime() + every * 86_400_000))
}

const drill: Judge = ({ name, lastDrill, registeredAt }, { days, now }) => {
  const fix = `regraft fleet rebuild ${name}`
  const red = (reason: string) => ({ red: true, reason, fix, daysLeft: null })
  const age = daysBetween(lastDrill?.at ?? registeredAt, now)
  if (lastDrill === null) {
    const reason = `it was never rebuilt in the ${age} days since its registration`
    return age > days.drillDays ? red(`${reason} (more than ${days.drillDays}†)`) : sound(reason)
  }
  const result = lastDrill.finding ?? lastDrill.outcome
  if (lastDrill.outcome === 'fail')
    return red(`its last rebuild, on ${dayText(lastDrill.at)}, said ${result}`)
  const reason = `its last rebuild was ${age} days ago and said ${result}`
  return age > days.drillDays ? red(`${reason} (more than ${days.drillDays} days†)`) : sound(reason)
}

const endOfLife: Judge = ({ name, base, endOfLife: fact, migrationSeconds }, { days, now }) => {
  const fix = `move it to another base: regraft fleet migrate ${name}`
  if (fact?.gone) {
    return {
      red: true,
      reason: `${fact.from} does not list the base ${base.name} any more`,
      fix,
      daysLeft: 0,
    }
  }
  if (fact === null || fact.date === null) return sound(`no end of the base ${base.name} is known`)
  const left = daysBetween(now, fact.date)
  const needed = leadTime(migrationSeconds, days)
  const said = `${fact.from}: the base ${base.name} is offered until ${dayText(fact.date)}`
  if (left < 0) return { red: true, reason: `${said}, which is past`, fix, daysLeft: 0 }
  const reason = `${said}, ${left} days from now`
  if (left >= needed.days) return sound(reason, left)
  return { red: true, reason: `${reason}, and moving takes ${needed.text}`, fix, daysLeft: left }
}

/** max(90†, 2 × (measured migration drill + approval + rollout)), in days. */
function leadTime(seconds: number | null, days: RiskSettings['days']): { days: number; text: string } {
  const migration = (seconds ?? 0) / 86_400
  const doubled = 2 * (migration + days.approvalDays + days.rolloutDays)
  const measured = seconds === null ? 'migration not measured' : `migration ${migration.toFixed(1)}`
  const sum = `2 × (${measured} + approval ${days.approvalDays}† + rollout ${days.rolloutDays}†)`
  const needed = Math.max(days.endOfLifeDays, doubled)
  const shown = Number.isInteger(needed) ? String(needed) : needed.toFixed(1)
  return { days: needed, text: `${shown} days: the larger of ${days.endOfLifeDays}† and ${sum}` }
}

const fingerprint: Judge = ({ base, fingerprint: fact }) => {
  if (fact === null) return null
  if (fact.outcome !== 'fail') return sound(fact.reason)
  const fix = `judge the adapter again: behind the name ${base.name} there is another model than it was made for`
  return { red: true, reason: fact.reason, fix, daysLeft: null }
}

const JUDGES: Record<Condition['condition'], Judge> = {
  ...{ record, owner, deputy, rows, inputs, retention, drill, fingerprint },
  'end-of-life': endOfLife,
}

export interface Risk {
  conditions: Condition[]
  /** How many of them are red. */
  red: number
  /** The smallest number of days that a condition leaves; null where no end is known. */
  daysToUnrebuildable: number | null
}

/** All conditions of an adapter, red ones first. */
export function assessRisk(facts: RiskFacts, settings: RiskSettings): Risk {
  const all = CONDITIONS.flatMap((condition): Condition[] => {
    const judged = JUDGES[condition](facts, settings)
    return judged === null ? [] : [{ condition, ...judged }]
  })
  const conditions = [...all.filter(({ red }) => red), ...all.filter(({ red }) => !red)]
  const left = all.flatMap(({ daysLeft }) => daysLeft ?? [])
  return {
    conditions,
    red: all.filter(({ red }) => red).length,
    daysToUnrebuildable: left.length === 0 ? null : Math.max(0, Math.min(...left)),
  }
}

/** Orders by danger: more red conditions first, then fewer days, then names. */
export function compareDanger(a: Risk & { name: string }, b: Risk & { name: string }): number {
  const days = ({ daysToUnrebuildable }: Risk) => daysToUnrebuildable ?? Number.MAX_SAFE_INTEGER
  return b.red - a.red || days(a) - days(b) || (a.name < b.name ? -1 : 1)
}
