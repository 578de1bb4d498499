import type { Config } from '../config/index.ts'
import type { ProjectStore } from '../store/types.ts'
import type { ServedModel, ServedModels } from './served-models.ts'
import type { Upstreams } from './upstreams.ts'

/** A model in OpenAI's shape, with vLLM's `root` and `parent`. */
interface ModelObject {
  id: string
  object: 'model'
  created: number
  owned_by: string
  root: string
  parent: string | null
  shutdown_date?: string
}

/** Everything that requests may name: routes, models of upstreams, adapters and bases, each name once. */
export class ModelDirectory {
  readonly #config: Config
  readonly #upstreams: Upstreams
  readonly #models: ServedModels
  readonly #created = seconds(new Date())

  constructor(config: Config, upstreams: Upstreams, models: ServedModels) {
    this.#config = config
    this.#upstreams = upstreams
    this.#models = models
  }

  async list(store: ProjectStore): Promise<ModelObject[]> {
    const served = (await this.#models.list(store)).map(modelObject)
    const routed = Object.entries(this.#config.routes).flatMap(([id, { model }]) => {
      const object = served.find((one) => one.id === model)
      return object ? [{ ...object, id }] : []
    })
    const all = [...this.#ofUpstreams(), ...routed, ...served]
    return [...new Map(all.toReversed().map((object) => [object.id, object])).values()].reverse()
  }

  /** Throws 'not-found'. */
  async require(store: ProjectStore, id: string): Promise<ModelObject> {
    const known = this.#ofUpstreams().find((object) => object.id === id)
    if (known) return known
    return { ...modelObject(await this.#models.require(store, this.#upstreams.modelOf(id))), id }
  }

  #ofUpstreams(): ModelObject[] {
    return this.#upstreams.list().map(({ id, upstream, root }) => ({
      ...{ id, object: 'model' as const, created: this.#created, owned_by: upstream, root, parent: null },
    }))
  }
}

function modelObject(model: ServedModel): ModelObject {
  return {
    id: model.id,
    object: 'model',
    created: seconds(model.created),
    owned_by: model.owner,
    root: model.root,
    parent: model.parent,
    ...(model.endOfLife ? { shutdown_date: model.endOfLife } : {}),
  }
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000)
}
