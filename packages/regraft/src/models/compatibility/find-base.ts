import type { AdapterInspection, BaseComparison } from '@regraft/engine'
import type { Config } from '../../config/index.ts'
import { baseNames, findBase } from '../bases.ts'
import { readCardMetadata } from '../card-metadata.ts'
import { compareAdapter } from './adapter-facts.ts'
import { declaredBase, isSameBaseName } from './judge-compatibility.ts'
import { knownAs } from './known-as.ts'

/** A base of this machine, held against an adapter. */
export interface BaseCandidate {
  name: string
  knownAs: string[]
  /** Whether the adapter names it, by any of its names. */
  named: boolean
  /** Whether all modules are there, with the same shapes. */
  fits: boolean
  /** Null where the adapter's folder has no tokenizer. */
  sameTokenizer: boolean | null
  comparison: BaseComparison | null
  /** Why it cannot be opened. */
  problem: string | null
}

export interface BaseSearch {
  inspection: AdapterInspection
  /** What adapter_config.json says, else the model card. */
  declared: string | null
  candidates: BaseCandidate[]
  /** The one that it names, fitting or not; null when none fits, or several do and nothing tells them apart. */
  chosen: BaseCandidate | null
  /** How it was chosen, or why not. */
  reason: string
}

/** Looks for the base of a PEFT folder among those of this machine, or holds it against the one that is wanted. */
export async function findAdapterBase(
  config: Pick<Config, 'bases' | 'dataDirectory'>,
  folder: string,
  wanted?: string,
): Promise<BaseSearch> {
  const names = wanted === undefined ? baseNames(config) : [findBase(config, wanted).name]
  const paths = names.map((name) => findBase(config, name).path)
  const { inspection, compared } = await compareAdapter(folder, paths)
  const declared = declaredBase(inspection) ?? cardBase(folder)
  const candidates = names.map((name, index): BaseCandidate => {
    const others = knownAs(config, name)
    const named = declared !== null && [name, ...others].some((one) => isSameBaseName(one, declared))
    const known = { name, knownAs: others, named }
    const found = compared[index]!
    if ('failed' in found) {
      const problem = found.failed.message
      return { ...known, fits: false, sameTokenizer: null, comparison: null, problem }
    }
    const { comparison } = found
    const { fitting, unknown, misfits } = comparison.modules
    const { tokenizer } = comparison
    return {
      ...{ ...known, comparison, problem: null },
      fits: fitting > 0 && unknown.length === 0 && misfits.length === 0,
      sameTokenizer:
        tokenizer && tokenizer.problem === null
          ? tokenizer.sameDigest || (tokenizer.added.length === 0 && tokenizer.differing.length === 0)
          : null,
    }
  })
  if (wanted !== undefined) {
    return { inspection, declared, candidates, chosen: candidates[0]!, reason: 'as you said' }
  }
  return {
    inspection,
    declared,
    candidates,
    ...chooseBase(candidates, declared, inspection.weights !== null),
  }
}

/** What the model card says: trainers that do not know the base's repository leave the name out of the configuration. */
function cardBase(folder: string): string | null {
  const [name] = [readCardMetadata(folder)?.base_model].flat()
  return typeof name === 'string' && name.trim() !== '' ? name.trim() : null
}

function chooseBase(
  candidates: readonly BaseCandidate[],
  declared: string | null,
  readable: boolean,
): Pick<BaseSearch, 'chosen' | 'reason'> {
  const fitting = candidates.filter(({ fits }) => fits)
  const named = candidates.filter((candidate) => candidate.named)
  const namedFitting = named.filter(({ fits }) => fits)
  const says = declared === null ? 'the adapter names no base' : `the adapter names ${declared}`
  if (namedFitting.length === 1) {
    return { chosen: namedFitting[0]!, reason: `${says}, and its modules fit` }
  }
  if (named.length > 0 && namedFitting.length === 0) {
    return {
      chosen: named[0]!,
      reason: `${says}, ${readable ? 'but its modules do not fit' : 'and its modules cannot be read'}`,
    }
  }
  const pool = namedFitting.length > 0 ? namedFitting : fitting
  const names = pool.map(({ name }) => name).join(', ')
  if (pool.length === 0) return { chosen: null, reason: `${says}, and no base of this machine fits` }
  // The base of an instruct model has its shapes and its tokenizer too, and is another model.
  if (declared !== null && named.length === 0) {
    return { chosen: null, reason: `${says}, which is not here by that name; its modules would fit ${names}` }
  }
  const same = pool.filter(({ sameTokenizer }) => sameTokenizer === true)
  if (same.length === 1)
    return { chosen: same[0]!, reason: `${says}; its modules and tokenizer fit one base here` }
  if (pool.length > 1) return { chosen: null, reason: `${says}, and its modules fit several: ${names}` }
  return { chosen: pool[0]!, reason: `${says}; its modules fit one base here` }
}
