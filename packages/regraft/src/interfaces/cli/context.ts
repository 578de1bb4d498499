import type { LoadedConfig } from '../../config/index.ts'
import { loadConfig } from '../../config/index.ts'
import type { AnyOperation } from '../../operation/index.ts'
import type { Protocol } from '../http/context.ts'
import type { Terminal } from './terminal.ts'

/** The options that every command takes. */
export interface GlobalOptions {
  config?: string
  data?: string
  project?: string
  url?: string
  json?: boolean
}

/** What a command of the CLI works with. */
export interface CliContext {
  options: GlobalOptions
  terminal: Terminal
  operations: readonly AnyOperation[]
  protocols: () => Promise<readonly Protocol[]>
  /** Aborted by the first Ctrl-C; the second ends the process. */
  interrupted: AbortSignal
  /** Called when the process is told to end (SIGTERM), before it does. */
  onTermination(end: () => Promise<void>): void
  debug: boolean
}

/** The configuration as this command line sees it; throws 'invalid-config'. */
export function loadCliConfig(
  { options }: CliContext,
  more: { path: string; value: unknown; option: string }[] = [],
): LoadedConfig {
  const overrides = [...more]
  if (options.data !== undefined)
    overrides.push({ path: 'dataDirectory', value: options.data, option: '--data' })
  if (options.project !== undefined)
    overrides.push({ path: 'project', value: options.project, option: '--project' })
  const file = options.config ?? process.env.REGRAFT_CONFIG
  return loadConfig({ folder: process.cwd(), environment: process.env, overrides, ...(file ? { file } : {}) })
}
