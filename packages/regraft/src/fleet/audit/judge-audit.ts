import { itemsForNonInferiority } from '@regraft/methods'
import type { Verdict } from '../../verdict/index.ts'
import type { AuditFacts } from './audit-facts.ts'

/** † The loss that a rescue may at most have, and the share of items on which two models differ. */
const RESCUE_DESIGN = { margin: 0.05, discordance: 0.1 }
const DAY_MS = 24 * 3600 * 1000

type Part = Pick<Verdict, 'title' | 'outcome' | 'reason'> &
  Partial<Pick<Verdict, 'n' | 'needed' | 'finding' | 'parts'>>

export interface AuditSettings {
  now: Date
  /** Days before the end of a base within which somebody must act: `fleet.endOfLifeDays` †. */
  rescueDays: number
}

/** Days from a moment to the end of an ISO date; negative once it is past. */
export function daysUntil(date: string, now: Date): number {
  return Math.floor((Date.parse(`${date}T23:59:59Z`) - now.getTime()) / DAY_MS)
}

/** Human answers that a rescue needs to be judged within five points †. */
export function goldNeeded(): number {
  return itemsForNonInferiority(RESCUE_DESIGN)
}

/** Judges what was found: pass only where everything is known and in order. */
export function judgeAudit(facts: AuditFacts, settings: AuditSettings, rerun: string): Verdict {
  const parts = [
    judgeAdapter(facts),
    judgeBase(facts),
    judgeTime(facts, settings),
    judgeRecord(facts),
    judgeLeaks(facts),
    judgeGold(facts),
  ].map((part): Verdict => ({ n: 1, evidence: [], rerun: '', ...part }))
  const bad = parts.filter(({ outcome }) => outcome === 'fail')
  const unsure = parts.filter(({ outcome }) => outcome === 'cannot-tell')
  const named = (some: Verdict[]) => some.map(({ title }) => title).join(', ')
  return {
    outcome: bad.length > 0 ? 'fail' : unsure.length > 0 ? 'cannot-tell' : 'pass',
    title: `audit of ${facts.folder}`,
    reason:
      [
        bad.length > 0 ? `not in order: ${named(bad)}` : '',
        unsure.length > 0 ? `not known: ${named(unsure)}` : '',
      ]
        .filter(Boolean)
        .join('; ') || 'everything that was asked is known and in order',
    n: parts.length,
    parts,
    evidence: facts.adapter.digest ? [facts.adapter.digest] : [],
    rerun,
  }
}

function judgeAdapter({ compatibility, base }: AuditFacts): Part {
  const { outcome, parts } = compatibility
  const found = (parts ?? []).filter((part) => part.outcome !== 'pass')
  const n = parts?.length ?? 1
  if (found.length > 0) {
    const reason = found.map(({ title, reason: why }) => `${title}: ${why}`).join('\n')
    return { title: 'adapter', outcome, reason, n }
  }
  if (base.here === null) {
    const reason =
      'its own files are in order; without its base, modules and tokenizer are compared with nothing'
    return { title: 'adapter', outcome: 'cannot-tell', reason, n }
  }
  return { title: 'adapter', outcome, reason: `it would be read whole on ${base.here}`, n }
}

function judgeBase({ base }: AuditFacts): Part {
  if (base.here !== null) {
    return { title: 'base', outcome: 'pass', reason: `${base.here} is on this machine: ${base.reason}` }
  }
  return { title: 'base', outcome: 'fail', reason: `${base.reason}: here it can be neither served nor moved` }
}

function judgeTime({ base: { endOfLife, declared } }: AuditFacts, { now, rescueDays }: AuditSettings): Part {
  const title = 'time left'
  if (!endOfLife) {
    const whose = declared ?? 'its base'
    return { title, outcome: 'cannot-tell', reason: `nobody says until when ${whose} is offered: give --eol` }
  }
  const days = daysUntil(endOfLife.date, now)
  if (days < 0) {
    return { title, outcome: 'fail', reason: `its base ended on ${endOfLife.date}, ${-days} days ago` }
  }
  const reason = `${days} days until its base ends on ${endOfLife.date} (${endOfLife.from})`
  const enough = days >= rescueDays
  return {
    ...{ title, outcome: enough ? 'pass' : 'fail' },
    reason: enough ? reason : `${reason}, fewer than the ${rescueDays} † that a rescue takes`,
  }
}

function judgeRecord({ rows, missing }: AuditFacts): Part {
  const lacks = `its record lacks ${missing.length} entries`
  const reason =
    rows && rows.rows > 0
      ? `${lacks}: ${rows.rows} training rows are here, but not how they were trained on`
      : `${lacks}; first missing input: the training rows (give --rows where you have them)`
  return { title: 'rebuild', outcome: 'fail', finding: 'IMPOSSIBLE', reason, n: missing.length }
}

function judgeLeaks({ leaks, evaluation, logs, rows }: AuditFacts): Part {
  const title = 'leaks'
  if (leaks.length === 0) {
    const lacks = [evaluation ? [] : ['--eval'], logs || rows ? [] : ['--logs or --rows']].flat()
    return { title, outcome: 'cannot-tell', reason: `nothing to compare: give ${lacks.join(' and ')}` }
  }
  const n = leaks.reduce((sum, leak) => sum + leak.rows, 0)
  const found = leaks.map(({ of, rows: count, items, overlapping, itemsTouched }) =>
    overlapping === 0
      ? `none of ${count} rows of ${of} overlaps ${items} items`
      : `${overlapping} of ${count} rows of ${of} overlap ${itemsTouched} of ${items} items: scores on these flatter`,
  )
  const overlaps = leaks.some(({ overlapping }) => overlapping > 0)
  return { title, outcome: overlaps ? 'fail' : 'pass', reason: found.join('\n'), n }
}

/** What a rescue would be judged on. */
function judgeGold({ evaluation, logs }: AuditFacts): Part {
  const title = 'human gold'
  const needed = goldNeeded()
  const items = evaluation?.answered ?? 0
  const labelled = logs?.gold ?? 0
  const n = items + labelled
  const reason = `${items} evaluation items with an answer and ${labelled} rows that a person answered or corrected`
  if (n >= needed) {
    const enough = 'enough to tell a loss of 5 points † (10 % of items discordant, 5 % one-sided, power 80 %)'
    return { title, outcome: 'pass', reason: `${reason}: ${enough}`, n }
  }
  return {
    title,
    outcome: 'cannot-tell',
    reason: `${reason}: too few to tell a loss of 5 points †`,
    n,
    needed,
  }
}
