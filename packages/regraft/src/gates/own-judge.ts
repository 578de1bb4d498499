import { basename } from 'node:path'
import type { Config } from '../config/index.ts'
import { RegraftError } from '../errors/index.ts'
import { shortDigest } from '../lineage/index.ts'
import type { NamedJudge } from './ask-judge.ts'

/** What a model that is judged may be called. */
export interface JudgedModel {
  /** Name of its base. */
  baseName: string
  /** Digest; null for the base alone. */
  adapter: string | null
  /** Aliases of the adapter. */
  aliases: readonly string[]
}

/**
 * Refuses a judge that is the model whose answers it would judge, by whatever name: its base, the adapter, a name that it is
 * registered or routed under. Throws 'invalid-config'.
 */
export function refuseOwnJudge(
  judge: NamedJudge,
  judged: JudgedModel,
  config: Pick<Config, 'bases' | 'routes'>,
): void {
  const { baseName, adapter, aliases } = judged
  const path = Object.hasOwn(config.bases, baseName) ? config.bases[baseName]!.path : baseName
  const names = [
    baseName,
    basename(path),
    ...aliases.flatMap((alias) => [alias, alias.split('/').slice(1).join('/')]),
  ]
  if (adapter !== null) names.push(adapter, shortDigest(adapter))
  const asked = Object.hasOwn(config.routes, judge.model) ? config.routes[judge.model]!.model : judge.model
  const known = new Set(names.map(plain))
  const own = [asked, judge.model].some((name) => known.has(plain(name)))
  if (!own) return
  throw new RegraftError(
    'invalid-config',
    `the judge ${judge.name} is ${judge.model}, the model whose answers it would judge`,
    { hint: `name another model in judges.${judge.name}: models prefer their own answers` },
  )
}

/** Without the owner on a hub, endings of files, and case. */
function plain(name: string): string {
  return name
    .toLowerCase()
    .replace(/^.*\//, '')
    .replace(/\.(gguf|safetensors)$/, '')
}
