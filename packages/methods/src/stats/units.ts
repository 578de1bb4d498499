import { checkCount } from './interval.ts'

/** What a mean needs of each unit that is drawn: the sum of its differences and how many they are. */
export interface Units {
  sums: Float64Array
  sizes: Float64Array
}

/** Gathers differences by cluster; without clusters each is a unit. Throws a RangeError for fewer than two units or a broken value. */
export function unitsOf(differences: readonly number[], clusters?: readonly (string | number)[]): Units {
  checkCount(differences.length, 'differences', 2)
  if (!differences.every(Number.isFinite)) throw new RangeError('Every difference must be a finite number.')
  if (!clusters) {
    return {
      sums: Float64Array.from(differences),
      sizes: new Float64Array(differences.length).fill(1),
    }
  }
  if (clusters.length !== differences.length) {
    throw new RangeError(`There are ${differences.length} differences and ${clusters.length} clusters.`)
  }
  const places = new Map<string | number, number>()
  for (const cluster of clusters) if (!places.has(cluster)) places.set(cluster, places.size)
  checkCount(places.size, 'clusters', 2)
  const units = { sums: new Float64Array(places.size), sizes: new Float64Array(places.size) }
  for (const [i, difference] of differences.entries()) {
    const place = places.get(clusters[i]!)!
    units.sums[place]! += difference
    units.sizes[place]! += 1
  }
  return units
}
