import type { AdapterInspection, BaseComparison, TokenizerComparison } from '@regraft/engine'
import type { Verdict } from '../../verdict/index.ts'
import type { AdapterFacts } from './adapter-facts.ts'

/** What is checked before an adapter is loaded, in this order. */
export const COMPATIBILITY_CHECKS = [
  'format',
  'weights',
  'modules',
  'tokenizer',
  'chat template',
  'base',
] as const
type CheckName = (typeof COMPATIBILITY_CHECKS)[number]

export interface CheckedBase {
  name: string
  /** Other names of it: where it was pulled from, where it lies. */
  knownAs: string[]
}

type Judged = Pick<Verdict, 'outcome' | 'reason'> & { n?: number }

/**
 * Whether an adapter can be loaded on a base without being ignored, wholly or in part. Without a base only its own folder
 * is judged.
 */
export function judgeCompatibility(
  { inspection, comparison }: AdapterFacts,
  base: CheckedBase | null,
  rerun: string,
): Verdict {
  const judged: Partial<Record<CheckName, Judged>> = {
    format: judgeFormat(inspection),
    ...(inspection.weights ? { weights: judgeWeights(inspection.weights) } : {}),
    ...(comparison && base && inspection.weights
      ? {
          modules: judgeModules(comparison.modules, inspection, base),
          tokenizer: judgeTokenizer(comparison.tokenizer, base),
          'chat template': judgeTemplate(comparison.chatTemplate, base),
          base: judgeName(declaredBase(inspection), base),
        }
      : {}),
  }
  const parts = COMPATIBILITY_CHECKS.flatMap((title): Verdict[] => {
    const found = judged[title]
    return found ? [{ title, n: 1, evidence: [], rerun: '', ...found }] : []
  })
  const failed = parts.filter(({ outcome }) => outcome === 'fail')
  const unsure = parts.filter(({ outcome }) => outcome === 'cannot-tell')
  const where = base ? `base ${base.name}` : 'its own folder'
  const named = (some: Verdict[]) => some.map(({ title }) => title).join(', ')
  return {
    outcome: failed.length > 0 ? 'fail' : unsure.length > 0 ? 'cannot-tell' : 'pass',
    title: `compatibility with ${where}`,
    reason:
      failed.length > 0
        ? `it must not be loaded: ${named(failed)}`
        : unsure.length > 0
          ? `nothing speaks against it; not known: ${named(unsure)}`
          : 'nothing of it would be ignored',
    n: parts.length,
    parts,
    evidence: [],
    rerun,
  }
}

/** `base_model_name_or_path`, null where it says nothing. */
export function declaredBase({ config }: Pick<AdapterInspection, 'config'>): string | null {
  const name = config.base_model_name_or_path
  return typeof name === 'string' && name.trim() !== '' ? name.trim() : null
}

/** Whether two names may mean the same base: equal, or equal in their last part. */
export function isSameBaseName(one: string, other: string): boolean {
  const last = (name: string) =>
    name
      .replace(/[\\/]+$/, '')
      .split(/[\\/]/)
      .at(-1)!
      .toLowerCase()
  return last(one) !== '' && last(one) === last(other)
}

function judgeFormat({ refusal, weights }: AdapterInspection): Judged {
  if (refusal) {
    return { outcome: 'fail', reason: refusal.message + (refusal.hint ? `\n${refusal.hint}` : '') }
  }
  const count = weights?.modules.length ?? 0
  return { outcome: 'pass', reason: `plain LoRA on ${count} linear modules, all of which are read`, n: count }
}

function judgeWeights(weights: NonNullable<AdapterInspection['weights']>): Judged {
  const { modules, notFinite } = weights
  const n = modules.length
  if (notFinite.length > 0) {
    const reason = `${notFinite.length} tensors hold NaN or infinity, the first is ${notFinite[0]}`
    return { outcome: 'fail', reason, n }
  }
  const idle = modules.filter(({ normA, normB }) => normA === 0 || normB === 0)
  if (idle.length === 0) return { outcome: 'pass', reason: 'no A and no B is zero', n }
  if (idle.length < n) {
    const reason = `${idle.length} of ${n} modules change nothing (A or B is zero), the first is ${idle[0]!.name}`
    return { outcome: 'pass', reason, n }
  }
  const half = idle.every(({ normB }) => normB === 0) ? 'B' : 'A or B'
  return {
    outcome: 'fail',
    reason: `untrained: ${half} is zero in all ${n} modules, so it changes nothing`,
    n,
  }
}

function judgeModules(
  { fitting, unknown, misfits }: BaseComparison['modules'],
  { config, weights }: AdapterInspection,
  base: CheckedBase,
): Judged {
  const n = fitting + unknown.length + misfits.length
  if (unknown.length > 0) {
    const reason = `${unknown.length} of ${n} modules are not in ${base.name}, the first is ${unknown[0]}: they would be ignored`
    return { outcome: 'fail', reason, n }
  }
  const [first] = misfits
  if (first) {
    const shapes = `${first.name} is [${first.adapter.join(', ')}] here and [${first.base.join(', ')}] in ${base.name}`
    return { outcome: 'fail', reason: `${misfits.length} of ${n} modules have other shapes: ${shapes}`, n }
  }
  const targets = Array.isArray(config.target_modules) ? config.target_modules : []
  const idle = targets.filter((target) => !weights!.modules.some(({ name }) => name.endsWith(String(target))))
  if (idle.length > 0) {
    const reason = `target_modules names ${idle.join(', ')}, of which there are no tensors: a part may be lost`
    return { outcome: 'cannot-tell', reason, n }
  }
  return { outcome: 'pass', reason: `all ${n} modules fit by name and shape`, n }
}

function judgeTokenizer(found: TokenizerComparison | null, { name }: CheckedBase): Judged {
  if (!found) return { outcome: 'cannot-tell', reason: 'the folder has no tokenizer to compare' }
  const { vocabulary, embedded, sameDigest, added, differing, probes, problem } = found
  if (problem !== null) return { outcome: 'cannot-tell', reason: `its tokenizer cannot be read: ${problem}` }
  if (sameDigest) return { outcome: 'pass', reason: 'the same tokenizer, by digest' }
  if (vocabulary > embedded) {
    const reason = `its tokenizer has ${vocabulary} tokens, ${name} embeds ${embedded}: the adapter needs rows that the base does not have`
    return { outcome: 'fail', reason }
  }
  if (added.length > 0) {
    const shown = added.slice(0, 5).map((token) => JSON.stringify(token))
    const reason = `its tokenizer has ${added.length} tokens that ${name} does not have: ${shown.join(', ')}`
    return { outcome: 'fail', reason, n: probes }
  }
  if (differing.length > 0) {
    const reason = `${differing.length} of ${probes} texts become other tokens than with ${name}, for example ${JSON.stringify(differing[0])}`
    return { outcome: 'fail', reason, n: probes }
  }
  return { outcome: 'pass', reason: `${probes} texts become the same tokens as with ${name}`, n: probes }
}

function judgeTemplate(found: BaseComparison['chatTemplate'], { name }: CheckedBase): Judged {
  switch (found) {
    case null:
      return { outcome: 'cannot-tell', reason: 'the folder has no chat template to compare' }
    case 'same':
      return { outcome: 'pass', reason: `the same as that of ${name}` }
    case 'renders the same':
      return { outcome: 'pass', reason: `another text than that of ${name}, which renders the same` }
    case 'fails':
      return { outcome: 'cannot-tell', reason: 'its chat template cannot be rendered here' }
    case 'renders otherwise':
      return {
        outcome: 'fail',
        reason: `it renders conversations otherwise than that of ${name}: the adapter would see prompts unlike those it learned from`,
      }
  }
}

function judgeName(declared: string | null, { name, knownAs }: CheckedBase): Judged {
  if (declared === null)
    return { outcome: 'cannot-tell', reason: 'the adapter does not say which base it was trained on' }
  const match = [name, ...knownAs].find((one) => isSameBaseName(one, declared))
  if (match !== undefined) return { outcome: 'pass', reason: `trained on ${declared}, as it says itself` }
  const reason = `it says it was trained on ${declared}; whether ${name} is that cannot be told from a name`
  return { outcome: 'cannot-tell', reason }
}
