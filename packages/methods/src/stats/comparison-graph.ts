/** How one pair of players fared, by their places in a list. */
export interface PairTally {
  first: number
  second: number
  firstWins: number
  secondWins: number
  ties: number
}

/**
 * Gives the groups of players that are tied together by chains of wins in both directions; a tie counts as both. A group
 * comes after those that have beaten it. One group: no player's strength can run away from the others'.
 * Source: Ford 1957, "Solution of a ranking problem from binary comparisons".
 */
export function connectedGroups(players: number, pairs: readonly PairTally[]): number[][] {
  const beats = Array.from({ length: players }, () => new Set<number>())
  for (const { first, second, firstWins, secondWins, ties } of pairs) {
    if (firstWins + ties > 0) beats[first]!.add(second)
    if (secondWins + ties > 0) beats[second]!.add(first)
  }
  const reached = beats.map((_, player) => {
    const seen = new Set([player])
    for (const one of seen) for (const other of beats[one]!) seen.add(other)
    return seen
  })
  const groups: number[][] = []
  for (const [player, reach] of reached.entries()) {
    const group = groups.find(([member]) => reach.has(member!) && reached[member!]!.has(player))
    if (group) group.push(player)
    else groups.push([player])
  }
  return groups.sort((a, b) => reached[b[0]!]!.size - reached[a[0]!]!.size)
}

/**
 * Tells whether ties and strengths can grow together without end: whether there are strengths d with d(winner) ≥ d(loser) + 2
 * for every win and |difference| ≤ 2 for every tie. The likelihood of Davidson's model then has no maximum, although the
 * graph is connected. A system of difference constraints: feasible unless Bellman and Ford's method finds a negative cycle.
 */
export function tiesAreUnbounded(players: number, pairs: readonly PairTally[]): boolean {
  // d[to] <= d[from] + length
  const edges: { from: number; to: number; length: number }[] = []
  for (const { first, second, firstWins, secondWins, ties } of pairs) {
    if (firstWins > 0) edges.push({ from: first, to: second, length: -2 })
    if (secondWins > 0) edges.push({ from: second, to: first, length: -2 })
    if (ties > 0) edges.push({ from: first, to: second, length: 2 }, { from: second, to: first, length: 2 })
  }
  const distance = new Float64Array(players)
  for (let round = 0; round < players; round++) {
    let changed = false
    for (const { from, to, length } of edges) {
      if (distance[from]! + length >= distance[to]!) continue
      distance[to] = distance[from]! + length
      changed = true
    }
    if (!changed) return true
  }
  return false
}
