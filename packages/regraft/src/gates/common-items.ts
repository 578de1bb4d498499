import type { SuiteMeasurement } from './measurement.ts'

/** Ids of the items that every measurement has, in the order of the first: a pair is two answers to one item. */
export function commonItems([first, ...others]: SuiteMeasurement[]): string[] {
  const sets = others.map(({ items }) => new Set(items.map(({ id }) => id)))
  return first!.items.map(({ id }) => id).filter((id) => sets.every((ids) => ids.has(id)))
}
