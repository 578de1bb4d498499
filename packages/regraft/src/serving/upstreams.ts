import type { Pool } from 'undici'
import type { Config, UpstreamConfig } from '../config/schema.ts'
import { canonicalBytes, digestOf } from '../store/index.ts'
import { openPool } from './upstream-pool.ts'

/** Where a request goes whose model belongs to an upstream. */
export interface Target {
  /** Name of the upstream. */
  upstream: string
  config: UpstreamConfig
  /** What the request called it. */
  route: string
  /** What the upstream calls it. */
  model: string
  /** Of the route's and the upstream's configuration, without secrets. */
  configDigest: string
}

/**
 * The upstreams of a configuration. Which of them answers for a model follows from the configuration alone, so that
 * requests to them need no database.
 */
export class Upstreams {
  readonly #config: Config
  readonly #owners = new Map<string, string>()
  readonly #patterns: { pattern: RegExp; upstream: string }[] = []
  readonly #digests = new Map<string, string>()
  readonly #pools = new Map<string, Pool>()

  constructor(config: Config) {
    this.#config = config
    for (const [upstream, { models }] of Object.entries(config.upstreams)) {
      for (const model of models) {
        if (model.includes('*')) this.#patterns.push({ pattern: patternOf(model), upstream })
        else this.#owners.set(model, upstream)
      }
    }
  }

  /** The model that a name stands for: that of a route, else the name itself. */
  modelOf(name: string): string {
    return Object.hasOwn(this.#config.routes, name) ? this.#config.routes[name]!.model : name
  }

  /** Null when no upstream has the model: then it is one of the embedded engine's, or nobody's. */
  find(route: string): Target | null {
    const model = this.modelOf(route)
    const upstream =
      this.#owners.get(model) ?? this.#patterns.find(({ pattern }) => pattern.test(model))?.upstream
    if (upstream === undefined) return null
    const config = this.#config.upstreams[upstream]!
    return { upstream, config, route, model, configDigest: this.#digestOf(upstream, route, model) }
  }

  /** Models that are named in the configuration, and routes that lead to one. */
  list(): { id: string; upstream: string; root: string }[] {
    const models = [...this.#owners].map(([id, upstream]) => ({ id, upstream, root: id }))
    const routes = Object.keys(this.#config.routes).flatMap((id) => {
      const target = this.find(id)
      return target ? [{ id, upstream: target.upstream, root: target.model }] : []
    })
    return [...routes, ...models.filter(({ id }) => !routes.some((route) => route.id === id))]
  }

  /** The connections of an upstream, kept while the server lives. */
  pool(name: string): Pool {
    const pool = this.#pools.get(name) ?? openPool(this.#config.upstreams[name]!)
    this.#pools.set(name, pool)
    return pool
  }

  #digestOf(name: string, route: string, model: string): string {
    const key = JSON.stringify([name, route, model])
    const known = this.#digests.get(key)
    if (known !== undefined) return known
    const { url, headers, prices, timeout } = this.#config.upstreams[name]!
    const shown = { name, url, headers: Object.keys(headers).sort(), prices: prices[model] ?? null, timeout }
    const digest = routeDigest({ route, model, upstream: shown })
    // Patterns let callers choose names.
    if (this.#digests.size < MOST_DIGESTS) this.#digests.set(key, digest)
    return digest
  }
}

const MOST_DIGESTS = 10_000

/** The digest that says whether two calls were answered under the same configuration. */
export function routeDigest(route: Record<string, unknown>): string {
  return digestOf('route', 1, canonicalBytes(route))
}

function patternOf(glob: string): RegExp {
  const parts = glob.split('*').map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's')
}
