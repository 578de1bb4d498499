import { dirname, resolve } from 'node:path'
import type { z } from 'zod'
import { RegraftError } from '../errors/index.ts'
import { CONFIG_FILE, type ConfigFile, findConfigFile, readConfigFile } from './file.ts'
import { collectProblems, type Problem, renderProblems } from './problems.ts'
import { Config } from './schema.ts'
import { joinPath, substituteEnvironment } from './substitute.ts'

/** The environment variables that set a value directly. */
const ENVIRONMENT = {
  DATABASE_URL: 'databaseUrl',
  REGRAFT_DATA: 'dataDirectory',
  REGRAFT_PROJECT: 'project',
  REGRAFT_HOST: 'server.host',
  REGRAFT_PORT: 'server.port',
} as const

export type ConfigSource = 'option' | 'environment' | 'file' | 'default'

/** A value of the configuration and where it came from. */
export interface ConfigOrigin {
  source: ConfigSource
  /** The option, the variable, or file and line; empty for a default. */
  detail: string
  /** What to show instead of the value because it holds a secret. */
  shown?: string
}

export interface LoadedConfig {
  /** Paths in it (of `dataDirectory`, `bases`, `embedders`, `server.adapterDirectory`, `privacy.namesFile`) are absolute. */
  config: Config
  /** The configuration file; null when there is none. */
  file: string | null
  /** By dotted path; a path that is missing has its default. */
  origins: Map<string, ConfigOrigin>
}

export interface LoadOptions {
  /** Folder from which `regraft.yaml` is looked for and against which options and variables are resolved. */
  folder: string
  environment: Readonly<Record<string, string | undefined>>
  /** An explicit configuration file (`--config`). */
  file?: string
  /** Values given on the command line, by dotted path, with the option that gave each. */
  overrides?: { path: string; value: unknown; option: string }[]
}

/**
 * Reads the configuration: option over environment over file over default.
 *
 * Throws one 'invalid-config' that lists every bad path.
 */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const { folder, environment, overrides = [] } = options
  const path = options.file ? resolve(folder, options.file) : findConfigFile(folder)
  const file = path === null ? null : readConfigFile(path)
  const substitution = substituteEnvironment(file?.tree ?? {}, environment)
  const tree = isRecord(substitution.value) ? structuredClone(substitution.value) : substitution.value

  const origins = new Map<string, ConfigOrigin>()
  if (file) collectFileOrigins(file, substitution.value, substitution.fromEnvironment, origins)
  if (isRecord(tree)) {
    for (const [variable, target] of Object.entries(ENVIRONMENT)) {
      const value = environment[variable]
      if (value === undefined || value === '') continue
      setPath(tree, target, target === 'server.port' && /^\d+$/.test(value) ? Number(value) : value)
      origins.set(target, { source: 'environment', detail: variable })
    }
    for (const { path: target, value, option } of overrides) {
      setPath(tree, target, value)
      origins.set(target, { source: 'option', detail: option })
    }
  }

  const parsed = Config.safeParse(tree)
  const problems: Problem[] = [
    ...(file?.syntaxErrors ?? []).map(({ line, message }) => ({ path: '', line, message })),
    ...substitution.missing.map(({ path: at, variable }) => ({
      path: at,
      line: file?.lineOf(at.split('.')) ?? null,
      message: `the environment variable ${variable} is not set`,
    })),
    ...(parsed.success ? [] : collectProblems(parsed.error.issues, tree, file, origins)),
  ]
  if (problems.length > 0 || !parsed.success) throw invalidConfig(path, problems)
  return {
    config: resolvePaths(parsed.data, origins, path === null ? folder : dirname(path), folder),
    file: path,
    origins,
  }
}

function invalidConfig(path: string | null, problems: Problem[]): RegraftError {
  return new RegraftError('invalid-config', renderProblems(path ?? 'the configuration', problems), {
    hint: `correct ${path ?? 'the options or variables named above'}; \`regraft config schema\` prints what ${CONFIG_FILE} may say`,
    details: { file: path, problems },
  })
}

function collectFileOrigins(
  file: ConfigFile,
  tree: unknown,
  fromEnvironment: Map<string, string>,
  origins: Map<string, ConfigOrigin>,
): void {
  const visit = (node: unknown, keys: string[]) => {
    if (isRecord(node) && (keys.length === 0 || Object.keys(node).length > 0)) {
      for (const [key, value] of Object.entries(node)) visit(value, [...keys, key])
      return
    }
    const path = keys.reduce(joinPath, '')
    const line = file.lineOf(keys)
    const shown = fromEnvironment.get(path)
    origins.set(path, {
      source: 'file',
      detail: line === null ? file.path : `${file.path}:${line}`,
      ...(shown === undefined ? {} : { shown }),
    })
  }
  visit(tree, [])
}

/** Paths in the file are relative to the file, paths from options and variables to the working folder. */
function resolvePaths(
  config: z.output<typeof Config>,
  origins: Map<string, ConfigOrigin>,
  fileFolder: string,
  workingFolder: string,
): Config {
  const source = origins.get('dataDirectory')?.source
  const base = source === 'option' || source === 'environment' ? workingFolder : fileFolder
  const bases = Object.entries(config.bases).map(([name, entry]) => [
    name,
    { ...entry, path: resolve(fileFolder, entry.path) },
  ])
  const embedders = Object.entries(config.embedders).map(([name, entry]) => [
    name,
    entry.path === undefined ? entry : { ...entry, path: resolve(fileFolder, entry.path) },
  ])
  const { adapterDirectory } = config.server
  const server =
    adapterDirectory === undefined
      ? config.server
      : { ...config.server, adapterDirectory: resolve(fileFolder, adapterDirectory) }
  const { namesFile } = config.privacy
  const privacy =
    namesFile === undefined
      ? config.privacy
      : { ...config.privacy, namesFile: resolve(fileFolder, namesFile) }
  return {
    ...config,
    server,
    privacy,
    dataDirectory: resolve(base, config.dataDirectory),
    ...(config.keysDirectory === undefined
      ? {}
      : { keysDirectory: resolve(fileFolder, config.keysDirectory) }),
    bases: Object.fromEntries(bases),
    embedders: Object.fromEntries(embedders),
  }
}

function setPath(tree: Record<string, unknown>, path: string, value: unknown): void {
  const keys = path.split('.')
  const last = keys.pop()!
  let node = tree
  for (const key of keys) {
    const next = node[key]
    if (isRecord(next)) node = next
    else {
      const created = {}
      node[key] = created
      node = created
    }
  }
  node[last] = value
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
