import type { Config } from '../config/index.ts'
import { RegraftError } from '../errors/index.ts'
import { listRegistrations } from '../fleet/index.ts'
import type { BaseRecord, ModelReference } from '../models/index.ts'
import type { ProjectStore } from '../store/types.ts'

/** A model that requests may name. */
export interface ServedModel {
  id: string
  reference: ModelReference
  created: Date
  /** The base's name. */
  root: string
  /** The base's name for an adapter; null for a base. */
  parent: string | null
  owner: string
  /** Date after which the base is no longer offered. */
  endOfLife: string | null
}

/** Registered adapters by name and by route, and the bases that they were trained on. */
export async function listServedModels(store: ProjectStore, config: Config): Promise<ServedModel[]> {
  const models: ServedModel[] = []
  const add = (model: ServedModel) => {
    if (!models.some(({ id }) => id === model.id)) models.push(model)
  }
  const endOfLife = (base: string) => config.bases[base]?.endOfLife ?? null
  for (const { registration } of await listRegistrations(store)) {
    const { base, adapter, name, routes, owner, registeredAt } = registration
    const reference = { base: base.artifact, adapter }
    const common = {
      reference,
      created: new Date(registeredAt),
      root: base.name,
      endOfLife: endOfLife(base.name),
    }
    for (const id of [name, ...routes]) add({ ...common, id, parent: base.name, owner })
  }
  for (const artifact of await store.artifacts.list('base')) {
    const record = await store.artifacts.read<BaseRecord>(artifact.digest)
    const reference = { base: artifact.digest, adapter: null }
    const common = {
      reference,
      created: artifact.createdAt,
      root: record.name,
      endOfLife: endOfLife(record.name),
    }
    add({ ...common, id: record.name, parent: null, owner: 'regraft' })
  }
  return models
}

/** Throws 'not-found' with the models there are. */
export async function requireServedModel(
  store: ProjectStore,
  config: Config,
  id: string,
): Promise<ServedModel> {
  const models = await listServedModels(store, config)
  const model = models.find((candidate) => candidate.id === id)
  if (model) return model
  const known = models.length > 0 ? models.map(({ id: name }) => name).join(', ') : 'none yet'
  throw new RegraftError('not-found', `there is no model '${id}'; served: ${known}`, {
    hint: 'regraft fleet register puts an adapter here; GET /v1/models lists them',
    details: { param: 'model' },
  })
}
