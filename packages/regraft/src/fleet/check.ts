import { z } from 'zod'
import { commandLine, defineOperation } from '../operation/index.ts'
import { type Verdict, VerdictOutput } from '../verdict/index.ts'
import { requireReference } from './names.ts'
import { CONDITIONS } from './risk/conditions.ts'
import { dayText } from './risk/days.ts'
import type { Person } from './risk/facts.ts'
import { assessFleet, type FleetMember } from './risk/fleet.ts'

const PersonOutput = z.object({
  name: z.string(),
  lastActive: z.string().nullable().describe('as far as anybody has said or the audit log shows'),
  left: z.string().nullable(),
})

const Member = z.object({
  name: z.string(),
  version: z.int(),
  registration: z.string(),
  red: z.int().describe('number of red conditions'),
  daysToUnrebuildable: z.int().nullable().describe('null where no end is known'),
  conditions: z.array(
    z.object({
      condition: z.enum(CONDITIONS),
      red: z.boolean(),
      reason: z.string(),
      fix: z.string(),
      daysLeft: z.int().nullable(),
    }),
  ),
  owner: PersonOutput.nullable(),
  deputy: PersonOutput.nullable(),
  retention: z
    .array(z.object({ source: z.string(), rows: z.int(), expires: z.string() }))
    .describe('by source, when its first row is deleted'),
  endOfLife: z.string().nullable().describe('last day on which the base is offered'),
  lastDrill: z.string().nullable(),
})

/** Orphan risk as a list of conditions, for people and for CI: red ones fail it. */
export const checkOperation = defineOperation({
  name: 'fleet check',
  effect: 'read',
  scope: 'read',
  mode: 'call',
  summary:
    'Check every registered adapter for what may turn it into an orphan; red conditions fail the check',
  input: z.object({ name: z.string().optional().describe('one registered name; else all of them') }),
  output: z.object({ verdict: VerdictOutput, adapters: z.array(Member) }),
  positionals: ['name'],
  example: 'regraft fleet check',
  outcome: ({ verdict }) => verdict.outcome,
  render({ verdict, adapters }) {
    const lines = adapters.flatMap(({ name, version, red, daysToUnrebuildable, conditions }) => {
      const left = daysToUnrebuildable === null ? '' : `, ${daysToUnrebuildable} days to unrebuildable`
      const shown = conditions.filter(
        (condition) => condition.red || condition.fix !== '' || adapters.length === 1,
      )
      return [
        `${name} v${version}: ${red === 0 ? 'no red condition' : `${red} red`}${left}`,
        ...shown.flatMap(({ condition, red: bad, reason, fix }) => [
          `  ${bad ? 'RED ' : '    '} ${condition}: ${reason}`,
          ...(fix === '' ? [] : [`         fix: ${fix}`]),
        ]),
      ]
    })
    return [...lines, `${verdict.outcome.toUpperCase()}: ${verdict.reason}`].join('\n')
  },
  async run(context, { name }) {
    // Throws with the names there are.
    if (name !== undefined) await requireReference(context.store, name)
    const members = await assessFleet(context, {
      now: new Date(),
      ...(name === undefined ? {} : { only: name }),
    })
    return { verdict: verdictOf(members, name), adapters: members.map(view) }
  },
})

function verdictOf(members: readonly FleetMember[], name: string | undefined): Verdict {
  const endangered = members.filter(({ red }) => red > 0)
  const reason =
    members.length === 0
      ? 'no adapter is registered'
      : endangered.length === 0
        ? `none of ${members.length} adapters has a red condition`
        : `${endangered.length} of ${members.length} adapters have red conditions: ${endangered.map((member) => member.name).join(', ')}`
  return {
    outcome: members.length === 0 ? 'cannot-tell' : endangered.length === 0 ? 'pass' : 'fail',
    title: 'orphan risk of the fleet',
    reason,
    n: members.length,
    parts: members.map(partOf),
    evidence: members.map(({ registration }) => registration),
    rerun: commandLine(checkOperation, { name }),
  }
}

function partOf({ name, registration, red, conditions }: FleetMember): Verdict {
  const part = (title: string, bad: boolean, reason: string): Verdict => ({
    ...{ outcome: bad ? 'fail' : 'pass', title, reason, n: 1, evidence: [registration] },
    rerun: commandLine(checkOperation, { name }),
  })
  const first = conditions[0]!
  return {
    ...part(name, red > 0, red === 0 ? 'no red condition' : `${red} red, the first: ${first.reason}`),
    parts: conditions.map(({ condition, red: bad, reason }) => part(`${condition} of ${name}`, bad, reason)),
  }
}

function view({ registration, facts, red, daysToUnrebuildable, conditions }: FleetMember) {
  const { name, version, owner, deputy, retention, endOfLife, lastDrill } = facts
  return {
    ...{ name, version, registration, red, daysToUnrebuildable, conditions },
    owner: owner === null ? null : person(owner),
    deputy: deputy === null ? null : person(deputy),
    retention: retention.map((fact) => ({ ...fact, expires: dayText(fact.expires) })),
    endOfLife: endOfLife?.date ? dayText(endOfLife.date) : null,
    lastDrill: lastDrill?.at.toISOString() ?? null,
  }
}

function person({ name, lastActive, left }: Person) {
  return { name, lastActive: lastActive && dayText(lastActive), left: left && dayText(left) }
}
