import { conjunctionPower } from '@regraft/methods'
import { z } from 'zod'
import { Requirement, type RequirementSettings, type ScorerSettings } from '../config/index.ts'
import { defineStep } from '../lineage/index.ts'
import type { Verdict } from '../verdict/index.ts'
import { readEvidence } from './evidence.ts'
import type { GateRecord } from './gate-record.ts'
import {
  addedItems,
  conjunction,
  type Draft,
  decideRequirement,
  type Evidence,
  roleOf,
  withRerun,
} from './requirements/index.ts'
import { describeScorer } from './suites/index.ts'

export const GateParameters = z.object({
  requirements: z.array(Requirement).min(1),
  thresholds: z.object({ alpha: z.number(), margin: z.number(), gap: z.number() }),
  sequential: z.boolean(),
  /** Number of this look; and whether an earlier one, which was not declared to be repeated, has spent the error. */
  look: z.int().min(1),
  spent: z.boolean(),
  /** Whether the adapter was judged with other requirements before. */
  changed: z.boolean(),
  scope: z.object({ suite: z.string(), fresh: z.string().nullable(), hasIncumbent: z.boolean() }),
  /** Digests of the suites by name. */
  suites: z.record(z.string(), z.string()),
  /** What the models are called in the verdict. */
  names: z.object({ candidate: z.string(), base: z.string(), incumbent: z.string().nullable() }),
  rerun: z.string(),
})
export type GateParameters = z.output<typeof GateParameters>

/**
 * Judges measurements, and reads nothing else, so that a gate can be judged again. Inputs: one measurement for each need of the
 * requirements (`roleOf`), those of earlier looks (`earlierRole`), and the adapter's snapshot where it has one.
 */
export const judgeGate = defineStep({
  name: 'gates/judge',
  version: 7,
  determinism: 'pure',
  input: GateParameters,
  async run({ parameters, inputs, readAll }) {
    const { scope, suites, requirements, thresholds, sequential, look } = parameters
    const evidence = await readEvidence(parameters, inputs, readAll)
    const own = evidence.scores('candidate', scope.suite)
    const measured: Record<string, string> = {}
    for (const suite of Object.keys(suites)) {
      const role = roleOf({ measure: 'scores', model: 'candidate', suite })
      const found = inputs.find((input) => input.role === role)
      if (found) measured[suite] = found.digest
    }
    const record: GateRecord = {
      ...{ adapter: own.value.adapter!, suite: own.value.suite, candidate: own.digest, measured },
      ...{ requirements, thresholds, sequential, look, verdict: judge(parameters, evidence) },
    }
    return [{ role: 'verdict', kind: 'verdict', schemaVersion: 2, value: record }]
  },
})

function judge(parameters: GateParameters, evidence: Evidence): Verdict {
  const { requirements, thresholds, sequential, look, rerun, scope } = parameters
  const rules = { ...thresholds, look: sequential ? look : null }
  const decided = requirements.map((settings) => ({
    settings,
    draft: decideRequirement(settings, evidence, rules),
  }))
  const required = decided.flatMap(({ draft }) => draft ?? [])
  // Required or not: what has learned from items that were added says nothing on them.
  const added = requirements.some(({ require }) => require === 'contamination') ? null : addedItems(evidence)
  const parts = added === null ? required : [...required, added]
  const open = decided.filter(({ draft }) => draft === null).map(({ settings }) => settings)
  const { digest, value } = evidence.scores('candidate', scope.suite)
  const n = value.items.length
  const spent = parameters.spent && look > 1
  const passed = required.length === 0 ? 'cannot-tell' : conjunction(parts)
  const outcome = spent && passed === 'pass' ? 'cannot-tell' : passed
  const [first] = parts
  const whole: Draft = {
    outcome,
    title: `gate of ${evidence.names.candidate}`,
    reason: describe(parameters, { required, open, spent, scorer: value.scorer }),
    ...(first?.effect === undefined ? {} : { effect: first.effect }),
    ...(first?.interval === undefined ? {} : { interval: first.interval }),
    ...(first?.unit === undefined ? {} : { unit: first.unit }),
    ...(first?.limits === undefined ? {} : { limits: first.limits }),
    n,
    ...(outcome === 'cannot-tell' ? { needed: Math.max(...parts.map((part) => part.needed ?? 0)) || n } : {}),
    ...jointPower(parts),
    parts,
    evidence: [...new Set([digest, ...parts.flatMap((part) => part.evidence)])],
  }
  return withRerun(whole, rerun)
}

interface Found {
  required: Draft[]
  open: RequirementSettings[]
  spent: boolean
  scorer: ScorerSettings
}

function describe(
  { sequential, thresholds, look, changed, names, scope }: GateParameters,
  { required, open, spent, scorer }: Found,
): string {
  const counted =
    required.length === 1 ? '1 requirement' : `${required.length} requirements, all of which must pass`
  const lines = [`${counted}, each at ${Number((100 * thresholds.alpha).toPrecision(3))} % one-sided`]
  if (scorer.kind !== 'label-match') lines.push(`answers are scored by ${describeScorer(scorer)}`)
  if (open.length > 0) {
    lines.push(
      `nothing to compare with yet for: ${open.map(({ require }) => require).join(', ')} (${names.incumbent === null ? `no incumbent answers ${scope.suite}` : 'no measurement'})`,
    )
  }
  if (sequential)
    lines.push(
      `look ${look} of a gate that may be judged repeatedly: the error is that of all looks together`,
    )
  if (spent) {
    lines.push(
      `look ${look} at this adapter, and the error was spent at the first, which was not declared to be repeated: it cannot pass on these items. Judge it on a fresh suite, or declare gates.sequential before the first look`,
    )
  }
  if (changed)
    lines.push('it was judged before with other requirements: margins count that were declared first')
  return lines.join('\n')
}

/** Of all parts that have a power of their own; correlation can only raise it. */
function jointPower(parts: readonly Draft[]): Pick<Draft, 'power'> {
  const powers = leavesOf(parts).flatMap(({ power }) => power ?? [])
  if (powers.length < 2) return {}
  const alternatives = [...new Set(powers.map(({ alternative }) => alternative))]
  return {
    power: {
      value: conjunctionPower(powers.map(({ value }) => Math.min(1, Math.max(0, value)))).power,
      alternative: `all ${powers.length} comparisons together (${alternatives.join('; ')})`,
    },
  }
}

function leavesOf(parts: readonly Draft[]): Draft[] {
  return parts.flatMap((part) => (part.parts === undefined ? [part] : leavesOf(part.parts)))
}
