import type { Config } from '../config/index.ts'
import { RegraftError } from '../errors/index.ts'
import { aliasOf, listNames, parseReference, type Registration, upcastRegistration } from '../fleet/index.ts'
import { type AnyBase, isLocalBase, type ModelReference } from '../models/index.ts'
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

/** The models of a server: what is registered, what was loaded while it runs, and the bases. */
export class ServedModels {
  readonly #config: Config
  readonly #elsewhere: readonly string[]
  /** By project and name; gone when the server ends, as in vLLM. */
  readonly #loaded = new Map<string, Map<string, ServedModel>>()
  /** Artifacts never change, so that a request costs two queries however many adapters there are. */
  readonly #artifacts = new Map<string, unknown>()

  /** `elsewhere`: names of models that others answer for. */
  constructor(config: Config, elsewhere: readonly string[] = []) {
    this.#config = config
    this.#elsewhere = elsewhere
  }

  /** Champions by name and by route, candidates, those that were loaded, and the bases of all of them. */
  async list(store: ProjectStore): Promise<ServedModel[]> {
    const read = <Value>(digest: string) => this.#read<Value>(store, digest)
    const models = new Map<string, ServedModel>()
    const add = (model: ServedModel) => {
      if (!models.has(model.id)) models.set(model.id, model)
    }
    const served = async (digest: string | null, idsOf: (registration: Registration) => string[]) => {
      if (digest !== null) for (const model of await this.#registered(store, digest, idsOf)) add(model)
    }
    for (const { name, champion, candidate } of await listNames(store)) {
      await served(champion, ({ routes }) => [name, ...routes])
      if (candidate !== champion) await served(candidate, () => [`${name}@candidate`])
    }
    for (const model of this.loaded(store)) add(model)
    for (const artifact of await store.artifacts.list('base')) {
      const base = await read<AnyBase>(artifact.digest)
      if (!isLocalBase(base)) continue
      const { name } = base
      const reference = { base: artifact.digest, adapter: null }
      add({ ...this.#model(name, reference, name, artifact.createdAt, 'regraft'), parent: null })
    }
    return [...models.values()]
  }

  async find(store: ProjectStore, id: string): Promise<ServedModel | null> {
    return (await this.list(store)).find((model) => model.id === id) ?? (await this.#version(store, id))
  }

  /** Throws 'not-found' with the models there are. */
  async require(store: ProjectStore, id: string): Promise<ServedModel> {
    const models = await this.list(store)
    const model = models.find((candidate) => candidate.id === id) ?? (await this.#version(store, id))
    if (model) return model
    const names = [...models.map(({ id: name }) => name), ...this.#elsewhere]
    const known = names.length > 0 ? names.join(', ') : 'none yet'
    throw new RegraftError('not-found', `there is no model '${id}'; served: ${known}`, {
      hint: 'regraft fleet register puts an adapter here, upstreams in regraft.yaml a model of others; GET /v1/models lists them',
      details: { param: 'model' },
    })
  }

  loaded({ projectId }: ProjectStore): ServedModel[] {
    return [...(this.#loaded.get(projectId)?.values() ?? [])]
  }

  /** Serves an adapter under a name of its own until the server ends. */
  async load(store: ProjectStore, id: string, reference: ModelReference, owner: string): Promise<void> {
    const { name } = await this.#read<AnyBase>(store, reference.base)
    const models = this.#loaded.get(store.projectId) ?? new Map<string, ServedModel>()
    models.set(id, this.#model(id, reference, name, new Date(), owner))
    this.#loaded.set(store.projectId, models)
  }

  /** Takes a name away; says whether another name still uses the same adapter. */
  unload({ projectId }: ProjectStore, { id, reference }: ServedModel): { stillUsed: boolean } {
    this.#loaded.get(projectId)?.delete(id)
    const all = [...this.#loaded.values()].flatMap((models) => [...models.values()])
    const stillUsed = all.some(
      (model) => model.reference.base === reference.base && model.reference.adapter === reference.adapter,
    )
    return { stillUsed }
  }

  /** A version that is asked for as `name@2`; only champions and candidates are listed. */
  async #version(store: ProjectStore, id: string): Promise<ServedModel | null> {
    const reference = id.includes('@') ? parseReference(id) : null
    const digest = reference === null ? null : await store.aliases.get(aliasOf(reference))
    if (digest === null) return null
    return (await this.#registered(store, digest, () => [id]))[0] ?? null
  }

  /** None where the weights of the base are not to be had. */
  async #registered(
    store: ProjectStore,
    digest: string,
    idsOf: (registration: Registration) => string[],
  ): Promise<ServedModel[]> {
    const registration = upcastRegistration(await this.#read<Registration>(store, digest))
    const { base, adapter, owner, registeredAt } = registration
    if (base.kind !== 'local') return []
    const reference = { base: base.artifact, adapter }
    const created = new Date(registeredAt)
    return idsOf(registration).map((id) => this.#model(id, reference, base.name, created, owner ?? 'nobody'))
  }

  #model(id: string, reference: ModelReference, base: string, created: Date, owner: string): ServedModel {
    const endOfLife = this.#config.bases[base]?.endOfLife ?? null
    return { id, reference, created, root: base, parent: base, owner, endOfLife }
  }

  async #read<Value>(store: ProjectStore, digest: string): Promise<Value> {
    const key = `${store.projectId} ${digest}`
    const value = this.#artifacts.get(key) ?? (await store.artifacts.read(digest))
    this.#artifacts.set(key, value)
    return value as Value
  }
}
