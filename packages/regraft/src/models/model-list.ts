import { z } from 'zod'
import type { UpstreamConfig } from '../config/schema.ts'
import { RegraftError } from '../errors/index.ts'
import { defineStep, type Step } from '../lineage/index.ts'
import type { ProjectStore } from '../store/types.ts'
import { getJson } from './post-json.ts'

/** What a provider says of its models at a moment. */
export interface ModelList {
  measures: 'model-list'
  upstream: string
  askedAt: string
  /** `endOfLife` is the last day on which it is offered; null where none is announced. */
  models: { id: string; endOfLife: string | null }[]
  /** Models that an earlier list had and that have not come back. */
  gone: string[]
}

/** OpenAI names the day `shutdown_date`, Mistral a time `deprecation`; both are null where nothing is announced. */
const Answer = z.object({
  data: z.array(
    z.looseObject({
      id: z.string().min(1),
      shutdown_date: z.string().nullish(),
      deprecation: z.string().nullish(),
    }),
  ),
})

export interface ModelListOptions {
  config: UpstreamConfig
  signal: AbortSignal
  now: () => Date
  /** First delay before a request is sent again, in milliseconds. */
  delay?: number
}

/** The step that asks an upstream for its models. Input: the list before, where there is one. */
export function askForModels(options: ModelListOptions): Step<{ upstream: string }> {
  return defineStep({
    name: 'models/ask-for-models',
    version: 1,
    determinism: 'external',
    input: z.strictObject({ upstream: z.string() }),
    async run({ parameters: { upstream }, inputs, read }) {
      const models = await fetchModels(upstream, options)
      const before = inputs.length === 0 ? null : await read<ModelList>('before')
      const known = new Set(models.map(({ id }) => id))
      const earlier = before === null ? [] : [...before.gone, ...before.models.map(({ id }) => id)]
      const value: ModelList = {
        ...{ measures: 'model-list', upstream, askedAt: options.now().toISOString(), models },
        gone: [...new Set(earlier)].filter((id) => !known.has(id)).sort(),
      }
      return [{ role: 'list', kind: 'measurement', schemaVersion: 1, value }]
    },
  })
}

/** The newest list of an upstream; null when it was never asked. */
export async function latestModelList(store: ProjectStore, upstream: string): Promise<ModelList | null> {
  const digest = await store.aliases.get(modelListAlias(upstream))
  return digest === null ? null : await store.artifacts.read<ModelList>(digest)
}

export function modelListAlias(upstream: string): string {
  return `model-list/${upstream}`
}

async function fetchModels(
  upstream: string,
  { config: { url, apiKey, headers }, signal, delay }: ModelListOptions,
): Promise<ModelList['models']> {
  const hint = `look at upstreams.${upstream} in regraft.yaml`
  const answer = await getJson(`${url.replace(/\/+$/, '')}/models`, {
    ...{ what: `the upstream '${upstream}'`, hint, apiKey, headers, signal },
    ...(delay === undefined ? {} : { delay }),
  })
  const parsed = Answer.safeParse(answer)
  if (!parsed.success) {
    throw new RegraftError(
      'incompatible',
      `the upstream '${upstream}' answered with what is no list of models`,
      {
        hint,
      },
    )
  }
  return parsed.data.data
    .map(({ id, shutdown_date, deprecation }) => ({ id, endOfLife: dayOf(shutdown_date ?? deprecation) }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** A day of YYYY-MM-DD, or that of a time; null for what is neither. */
function dayOf(text: string | null | undefined): string | null {
  if (!text || !/^\d{4}-\d{2}-\d{2}/.test(text)) return null
  const time = Date.parse(text)
  return Number.isNaN(time) ? null : new Date(time).toISOString().slice(0, 10)
}
