import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { EventStorage } from './event-storage.ts'

/** Lines that a file may have beyond those that wait, before it is written anew. */
const SLACK = 1000

/**
 * Keeps events in a file, so that they outlive a crash of the process. Of one process at a time.
 *
 * The file is a log of JSON lines, `[key, text]` for what was set and `[key]` for what was removed; it is emptied whenever
 * nothing waits. A last line that a crash has cut short is left out. Throws when the file cannot be read.
 */
export function fileStorage(path: string): EventStorage {
  const waiting = new Map<string, string>()
  for (const line of existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []) {
    const [key, text] = parseLine(line)
    if (key === undefined) continue
    if (text === undefined) waiting.delete(key)
    else waiting.set(key, text)
  }
  let lines = 0
  const rewrite = () => {
    const text = [...waiting].map((entry) => `${JSON.stringify(entry)}\n`).join('')
    writeFileSync(`${path}.new`, text, { mode: 0o600 })
    renameSync(`${path}.new`, path)
    lines = waiting.size
  }
  const append = (entry: string[]) => {
    appendFileSync(path, `${JSON.stringify(entry)}\n`, { mode: 0o600 })
    lines += 1
  }
  rewrite()
  return {
    load: () => [...waiting],
    set(key, text) {
      waiting.set(key, text)
      append([key, text])
    },
    remove(key) {
      if (!waiting.delete(key)) return
      if (waiting.size === 0 || lines > waiting.size + SLACK) rewrite()
      else append([key])
    },
  }
}

function parseLine(line: string): [key?: string, text?: string] {
  try {
    return JSON.parse(line) as [string, string?]
  } catch {
    return []
  }
}
