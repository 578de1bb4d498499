// vLLM's POST /v1/load_lora_adapter and /v1/unload_lora_adapter: adapters come and go while the server runs.
import { basename } from 'node:path'
import { Hono } from 'hono'
import { z } from 'zod'
import { limitBody } from '../capture/index.ts'
import { RegraftError } from '../errors/index.ts'
import type { AdapterRecord, ModelReference } from '../models/index.ts'
import { allows, invalidInput } from '../operation/index.ts'
import type { ProjectStore } from '../store/types.ts'
import { copyAdapterFolder } from './adapter-folder.ts'
import { readJson } from './read-json.ts'
import type { ServedModels } from './served-models.ts'
import type { ServingEnv, ServingOptions } from './serving-env.ts'

const LoadRequest = z.looseObject({
  lora_name: z.string().min(1).max(200),
  lora_path: z.string().min(1),
  /** Replaces an adapter of that name. */
  load_inplace: z.boolean().nullish(),
  /** Which base it belongs to, where several are served. */
  base_model_name: z.string().nullish(),
})
const UnloadRequest = z.looseObject({ lora_name: z.string().min(1) })

const BODY_LIMIT = 64 * 1024

export function loraRoutes(options: ServingOptions, models: ServedModels): Hono<ServingEnv> {
  const routes = new Hono<ServingEnv>()
  const { services } = options
  for (const path of ['/v1/load_lora_adapter', '/v1/unload_lora_adapter']) {
    routes.use(path, limitBody(BODY_LIMIT), async (context, next) => {
      if (allows(context.var.principal.scopes, 'write')) return next()
      throw new RegraftError('forbidden', "this API key lacks the scope 'write'", {
        hint: 'regraft keys create <name> --scope write',
      })
    })
  }
  routes.post('/v1/load_lora_adapter', async (context) => {
    const { store } = context.var
    const request = parse(LoadRequest, await readJson(context))
    const name = request.lora_name
    const known = await models.find(store, name)
    const replaceable = request.load_inplace && models.loaded(store).some(({ id }) => id === name)
    if (known && !replaceable) {
      throw new RegraftError('invalid-input', `the name ${name} is taken by a model that is served already`, {
        hint: 'choose another lora_name, or unload it first',
        details: { param: 'lora_name' },
      })
    }
    const reference =
      (await registeredAdapter(store, request.lora_path)) ??
      (await adapterOfFolder(options, models, store, request.lora_path, request.base_model_name ?? null))
    // Its shapes are checked where it will be used, before anybody is told that it is here.
    await services.engines.load(store, reference)
    await models.load(store, name, reference, context.var.principal.id)
    return context.text(`Success: LoRA adapter '${name}' added successfully.`)
  })
  routes.post('/v1/unload_lora_adapter', async (context) => {
    const { store } = context.var
    const { lora_name: name } = parse(UnloadRequest, await readJson(context))
    const loaded = models.loaded(store)
    const model = loaded.find(({ id }) => id === name)
    if (!model) {
      const names = loaded.map(({ id }) => id)
      throw new RegraftError(
        'not-found',
        `no adapter '${name}' was loaded; loaded: ${names.length > 0 ? names.join(', ') : 'none'}`,
        { hint: 'registered adapters stay', details: { param: 'lora_name' } },
      )
    }
    const { stillUsed } = models.unload(store, model)
    if (!stillUsed && model.reference.folder !== undefined) await services.engines.unload(model.reference)
    return context.text(`Success: LoRA adapter '${name}' removed successfully.`)
  })
  return routes
}

function parse<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body)
  if (!parsed.success) throw invalidInput(parsed.error)
  return parsed.data
}

/** An adapter of the store, by its registered name or its digest; null when the text is a path. */
async function registeredAdapter(store: ProjectStore, text: string): Promise<ModelReference | null> {
  const registered = await store.aliases.get(`adapter/${text}`)
  if (!registered && !/^(sha256:)?[0-9a-f]{6,64}$/.test(text)) return null
  const artifact = await store.artifacts.resolve(registered ?? text)
  const adapter =
    artifact.kind === 'registration'
      ? (await store.artifacts.read<{ adapter: string }>(artifact.digest)).adapter
      : artifact.digest
  if (artifact.kind !== 'registration' && artifact.kind !== 'adapter') {
    throw new RegraftError('invalid-input', `${text} is a ${artifact.kind}, not an adapter`, {
      details: { param: 'lora_path' },
    })
  }
  const { base } = await store.artifacts.read<AdapterRecord>(adapter)
  return { base, adapter }
}

async function adapterOfFolder(
  { config }: ServingOptions,
  models: ServedModels,
  store: ProjectStore,
  path: string,
  wantedBase: string | null,
): Promise<ModelReference> {
  const { digest, folder, baseName } = await copyAdapterFolder(config, path)
  const bases = (await models.list(store)).filter(({ parent }) => parent === null)
  const wanted = wantedBase ?? baseName
  const named = bases.find(({ id }) => id === wanted || (wanted !== null && id === basename(wanted)))
  const only = bases.length === 1 && wantedBase === null ? bases[0] : undefined
  const base = named ?? only
  if (!base) {
    const names = bases.map(({ id }) => id).join(', ')
    throw new RegraftError(
      'invalid-input',
      `the adapter was trained on ${baseName ?? 'an unnamed base'}, which is none of those served: ${names || 'none'}`,
      { hint: 'name one of them as base_model_name', details: { param: 'base_model_name' } },
    )
  }
  return { base: base.reference.base, adapter: digest, folder }
}
