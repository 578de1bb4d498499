import { Random } from '@regraft/methods'

/** Seeded moments between 0.05 and 0.95, the same in every run: what is killed there can be looked at again. */
export function moments(what: string, count: number): number[] {
  const random = new Random(20_260_301, what)
  return Array.from({ length: count }, () => Number((0.05 + 0.9 * random.uniform()).toFixed(4)))
}
