import type { Config } from '../../config/index.ts'
import { findBase } from '../bases.ts'
import { readPulledBase } from '../pulled-bases.ts'

/** Other names of a base: the repository that it was pulled from, and where it lies. */
export function knownAs(config: Pick<Config, 'bases' | 'dataDirectory'>, name: string): string[] {
  const { path } = findBase(config, name)
  const source = Object.hasOwn(config.bases, name) ? null : readPulledBase(config.dataDirectory, name)?.source
  const origin = source?.kind === 'hub' ? [source.repository] : source?.kind === 'path' ? [source.path] : []
  return [...origin, path, path.replace(/\.gguf$/i, '')]
}
