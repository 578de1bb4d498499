import type { Config } from '../../config/schema.ts'
import { RegraftError } from '../../errors/index.ts'
import { BUILT_IN, builtIn } from './built-in.ts'
import { endpoint } from './endpoint.ts'
import { folder } from './folder.ts'
import type { EmbedderKind, EmbedderSource } from './types.ts'

export type { Embedder, EmbedderContext, EmbedderSource } from './types.ts'

/** The name that stands for looking for no paraphrases at all. */
export const NO_EMBEDDER = 'none'

/** Kinds of embedders that regraft.yaml may name; beside them there is the built-in one. */
const KINDS: readonly EmbedderKind[] = [folder, endpoint]

/** The embedder of a name. Throws 'not-found' with the names there are, and what a kind says of settings that lead nowhere. */
export async function requireEmbedder(
  config: Pick<Config, 'embedders'>,
  name: string,
): Promise<EmbedderSource> {
  if (name === BUILT_IN) return builtIn
  const settings = Object.hasOwn(config.embedders, name) ? config.embedders[name] : undefined
  const kind = settings && KINDS.find(({ fits }) => fits(settings))
  if (settings && kind) return await kind.source(name, settings)
  const known = [BUILT_IN, ...Object.keys(config.embedders)].join(', ')
  throw new RegraftError('not-found', `there is no embedder '${name}'; known: ${known}`, {
    hint: `add embedders.${name}.path (a folder) or embedders.${name}.url (an endpoint) to regraft.yaml`,
  })
}
