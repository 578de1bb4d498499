import type { Execution } from '../store/types.ts'

/** Environment variables that decide which code a process loads: a training that had them depends on them. */
const NAMES = [
  'NODE_OPTIONS',
  'NODE_PATH',
  'LD_PRELOAD',
  'LD_LIBRARY_PATH',
  'DYLD_INSERT_LIBRARIES',
  'DYLD_LIBRARY_PATH',
]

export type LoadingVariables = Record<string, string>

/** Those of them that are set. */
export function loadingVariables(environment: NodeJS.ProcessEnv): LoadingVariables {
  return Object.fromEntries(
    NAMES.flatMap((name) => {
      const value = environment[name]
      return value ? [[name, value] as const] : []
    }),
  )
}

/** Those that a training recorded. */
export function recordedVariables({ environment }: Execution): LoadingVariables {
  const { variables } = environment
  if (typeof variables !== 'object' || variables === null) return {}
  return loadingVariables(Object.fromEntries(Object.entries(variables).map(([k, v]) => [k, String(v)])))
}

/** The files and folders that such variables name, as they are written. */
export function namedFiles(variables: LoadingVariables): { variable: string; path: string }[] {
  return Object.entries(variables).flatMap(([variable, value]) =>
    value
      .split(/[\s=:]+|(?<=file):/)
      .map((word) => word.replace(/^["']|["']$/g, '').replace(/^\/\/(?=\/)/, ''))
      .filter((word) => /^(\/|\.{1,2}\/|~)/.test(word))
      .map((path) => ({ variable, path })),
  )
}
