import { readSuite, revealItems } from '../../datasets/index.ts'
import type { OperationContext } from '../../operation/index.ts'
import type { Verdict } from '../../verdict/index.ts'
import { pairItems } from '../requirements/index.ts'
import type { DiscordantItem } from './facts.ts'
import { type Measured, modelName } from './gather-facts.ts'

/** The two answers to an item, and where they were measured. */
interface Disagreement {
  id: string
  candidate: Measured
  other: Measured
  /** Score of the candidate less that of the other. */
  difference: number
}

/**
 * Items that the candidate and an opponent scored differently, lost ones first, at most so many: they are opened, burned and
 * logged. A pair of measurements is one that a part of the verdict compares.
 */
export async function revealDiscordant(
  { store, principal }: OperationContext,
  verdict: Verdict,
  measured: readonly Measured[],
  { most, reason, candidate }: { most: number; reason: string; candidate: string | null },
): Promise<DiscordantItem[]> {
  const chosen = disagreements(verdict, measured)
    .sort((a, b) => a.difference - b.difference)
    .slice(0, most)
  const shown: DiscordantItem[] = []
  for (const suite of new Set(chosen.map((one) => one.candidate.value.suite))) {
    const inside = chosen.filter((one) => one.candidate.value.suite === suite)
    const sealed = await readSuite(store, suite)
    const ids = inside.map(({ id }) => id)
    const opened = await revealItems(store, sealed, ids, { principal: principal.id, reason })
    for (const one of inside) {
      const item = opened.find(({ id }) => id === one.id)
      if (item === undefined) continue
      const side = async ({ value }: Measured) => {
        const { answer, score, correct } = value.items.find(({ id }) => id === one.id)!
        return { name: await modelName(store, value, candidate), answer, score, correct }
      }
      const { slices = {} } = one.candidate.value.items.find(({ id }) => id === one.id)!
      shown.push({
        ...{ id: one.id, suite: sealed.name, messages: item.messages, expected: item.expected },
        slices: Object.entries(slices).map(([name, value]) => `${name}=${value}`),
        ...{ candidate: await side(one.candidate), other: await side(one.other) },
      })
    }
  }
  return shown
}

function disagreements({ evidence, parts = [] }: Verdict, measured: readonly Measured[]): Disagreement[] {
  const found = new Map<string, Disagreement>()
  const [candidate, other] = evidence.flatMap((digest) => measured.find((one) => one.digest === digest) ?? [])
  // Of a whole the evidence is that of all parts; of a part the candidate stands first.
  if (parts.length === 0 && candidate && other && candidate.value.suite === other.value.suite) {
    for (const item of pairItems(candidate.value.items, other.value.items, ({ score }) => score)) {
      const difference = item.candidate - item.other
      if (difference !== 0) found.set(item.id, { id: item.id, candidate, other, difference })
    }
  }
  for (const part of parts) {
    for (const one of disagreements(part, measured)) if (!found.has(one.id)) found.set(one.id, one)
  }
  return [...found.values()]
}
