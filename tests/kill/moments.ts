import { Random } from '@regraft/methods'

/** Seeded moments between 0 and 1, one in each of `count` equal parts, in any order; the same in every run. */
export function moments(what: string, count: number): number[] {
  const random = new Random(20_260_301, what)
  const spread = Array.from({ length: count }, (_, part) => (part + 0.1 + 0.8 * random.uniform()) / count)
  return random.shuffle(spread).map((moment) => Number(moment.toFixed(4)))
}
