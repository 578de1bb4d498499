export interface Substitution {
  value: unknown
  /** Paths whose value came from the environment, with the text as the file has it (to show instead of a secret). */
  fromEnvironment: Map<string, string>
  missing: { path: string; variable: string }[]
}

/** Replaces `${NAME}` in every string of a parsed file; `$${NAME}` stays as a literal `${NAME}`. */
export function substituteEnvironment(
  tree: unknown,
  environment: Readonly<Record<string, string | undefined>>,
): Substitution {
  const fromEnvironment = new Map<string, string>()
  const missing: Substitution['missing'] = []

  const visit = (node: unknown, path: string): unknown => {
    if (Array.isArray(node)) return node.map((item, index) => visit(item, joinPath(path, index)))
    if (node !== null && typeof node === 'object') {
      return Object.fromEntries(
        Object.entries(node).map(([key, item]) => [key, visit(item, joinPath(path, key))]),
      )
    }
    if (typeof node !== 'string') return node
    return node.replace(/(\$?)\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (text, escaped: string, variable: string) => {
      if (escaped) return text.slice(1)
      fromEnvironment.set(path, node)
      const value = environment[variable]
      if (value === undefined) missing.push({ path, variable })
      return value ?? ''
    })
  }
  return { value: visit(tree, ''), fromEnvironment, missing }
}

/** Extends a dotted path. */
export function joinPath(path: string, key: PropertyKey): string {
  return path === '' ? String(key) : `${path}.${String(key)}`
}
