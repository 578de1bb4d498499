import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import { RegraftError } from '../errors/index.ts'

export const CONFIG_FILE = 'regraft.yaml'

export interface ConfigFile {
  path: string
  tree: unknown
  syntaxErrors: { line: number | null; message: string }[]
  /** Line of a value or, when that does not exist, of the nearest parent that does. */
  lineOf(path: readonly PropertyKey[]): number | null
}

/** Finds the nearest `regraft.yaml` at or above a folder, as git finds its repository. */
export function findConfigFile(folder: string): string | null {
  for (let current = resolve(folder); ; current = dirname(current)) {
    const candidate = join(current, CONFIG_FILE)
    if (existsSync(candidate)) return candidate
    if (dirname(current) === current) return null
  }
}

/** Reads and parses a configuration file; throws 'invalid-config' when it cannot be read. */
export function readConfigFile(path: string): ConfigFile {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new RegraftError('invalid-config', `cannot read the configuration ${path}`, {
      hint: 'regraft init writes one; --config names another',
      cause,
    })
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const lineAt = (offset: number) => lines.linePos(offset).line
  const syntaxErrors = document.errors.map((error) => ({
    line: lineAt(error.pos[0]),
    message: error.message,
  }))
  const lineOf = (keys: readonly PropertyKey[]) => {
    const node = deepestNode(document.contents, keys)
    return node?.range ? lineAt(node.range[0]) : null
  }
  return { path, tree: syntaxErrors.length > 0 ? {} : (document.toJS() ?? {}), syntaxErrors, lineOf }
}

/** The key node of the last part of a path (its line is where the reader looks), else of the part that exists. */
function deepestNode(root: Node | null, keys: readonly PropertyKey[]): Node | null {
  let found: Node | null = root
  let current: unknown = root
  for (const key of keys) {
    if (isMap(current)) {
      const pair = current.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key))
      if (!pair) return found
      found = pair.key as Node
      current = pair.value
    } else if (isSeq(current)) {
      current = current.items[Number(key)]
      found = (current as Node | undefined) ?? found
    } else {
      return found
    }
  }
  return found
}
