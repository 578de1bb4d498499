import { entitiesOf } from '../entities.ts'
import { entityDigest } from '../vault/index.ts'
import type { ScreenContext, Stage } from './stage.ts'

/** With --split-by entity: leaves out rows of end users and conversations that an item of a suite belongs to. */
export const sameEntity: Stage<ScreenContext> = async (rows, { parameters, project, suites, drop }) => {
  if (parameters.splitBy !== 'entity') return rows
  const held = new Map<string, string>()
  const entities = new Set(rows.flatMap(({ inference }) => entitiesOf(inference)))
  for (const { name, items } of suites) {
    const itemOf = new Map(items.flatMap((item) => item.entities.map((entity) => [entity, item.id] as const)))
    if (itemOf.size === 0) continue
    for (const entity of entities) {
      const item = itemOf.get(await entityDigest(project.keys, name, entity))
      if (item !== undefined && !held.has(entity)) held.set(entity, item)
    }
  }
  return rows.filter((row) => {
    const item = entitiesOf(row.inference).flatMap((entity) => held.get(entity) ?? [])[0]
    if (item === undefined) return true
    drop(row, 'same-entity', { of: item })
    return false
  })
}
