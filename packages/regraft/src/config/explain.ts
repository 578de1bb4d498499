import type { ConfigSource, LoadedConfig } from './load.ts'
import { isRecord } from './load.ts'
import { joinPath } from './substitute.ts'

export interface ExplainedValue {
  path: string
  value: unknown
  source: ConfigSource
  detail: string
}

/** Lists every value of a configuration with where it came from; secrets are not shown. */
export function explainConfig(loaded: LoadedConfig): ExplainedValue[] {
  const values: ExplainedValue[] = []
  const visit = (node: unknown, path: string) => {
    if (isRecord(node) && Object.keys(node).length > 0) {
      for (const [key, value] of Object.entries(node)) visit(value, joinPath(path, key))
      return
    }
    if (node === undefined) return
    const origin = loaded.origins.get(path)
    values.push({
      path,
      value: origin?.shown ?? (isSecret(path) ? '***' : hidePassword(node)),
      source: origin?.source ?? 'default',
      detail: origin?.detail ?? '',
    })
  }
  visit(loaded.config, '')
  return values
}

function isSecret(path: string): boolean {
  return /\.apiKey$|^upstreams\..+\.headers\..+$/.test(path)
}

function hidePassword(value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/^(postgres\w*:\/\/[^:/@]*):[^@]*@/, '$1:***@') : value
}
