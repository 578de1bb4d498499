/** Rows that share an entity, directly or over others (union–find); in the order of their first rows. */
export function groupsOf<Row extends { entities: readonly string[] }>(rows: readonly Row[]): Row[][] {
  const parent = rows.map((_, index) => index)
  const root = (index: number): number => {
    let at = index
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]!]!
      at = parent[at]!
    }
    return at
  }
  const first = new Map<string, number>()
  for (const [index, { entities }] of rows.entries()) {
    for (const entity of entities) {
      const other = first.get(entity)
      if (other === undefined) first.set(entity, index)
      else parent[Math.max(root(index), root(other))] = Math.min(root(index), root(other))
    }
  }
  const groups = new Map<number, Row[]>()
  for (const [index, row] of rows.entries()) {
    const group = groups.get(root(index))
    if (group) group.push(row)
    else groups.set(root(index), [row])
  }
  return [...groups.values()]
}
