// The lock of a data directory: files `holder/<generation>.json`, each created with O_EXCL. The highest generation is
// the holder; it is alive if its socket answers its nonce (a pid alone lies in containers). A dead one is replaced by
// creating the next generation, which only one of several contenders can do. A released file stays, marked, until the
// generation after the next removes it: so a slow contender that creates a generation long gone sees a higher one
// when it looks again, and withdraws.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What a lock file says about the process that made it. */
export interface HolderRecord {
  pid: number
  nonce: string
  /** Path of the Unix socket or name of the Windows pipe. */
  socket: string
  startedAt: string
  released: boolean
  /** Where it serves on TCP, if it does. */
  url: string | null
}

export interface Lock {
  generation: number
  /** Changes what the lock file says; `{ released: true }` gives the lock up. */
  update(change: Partial<Pick<HolderRecord, 'released' | 'url'>>): void
}

/** The newest lock file; `record` is null while its maker has not finished writing it. */
export interface Newest {
  generation: number
  record: HolderRecord | null
}

export function lockFolder(dataDirectory: string): string {
  const folder = join(dataDirectory, 'holder')
  mkdirSync(folder, { recursive: true })
  return folder
}

export function readNewest(folder: string): Newest | null {
  const generation = generations(folder).at(-1)
  if (generation === undefined) return null
  try {
    return {
      generation,
      record: JSON.parse(readFileSync(filePath(folder, generation), 'utf8')) as HolderRecord,
    }
  } catch {
    return { generation, record: null }
  }
}

/** Takes the generation after `previous`; null when another process was quicker. */
export function takeLock(folder: string, previous: number, record: HolderRecord): Lock | null {
  const generation = previous + 1
  const path = filePath(folder, generation)
  try {
    writeFileSync(path, JSON.stringify(record), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return null
    throw error
  }
  const present = generations(folder)
  if (present.at(-1) !== generation) {
    rmSync(path, { force: true })
    return null
  }
  for (const old of present) if (old < generation - 1) rmSync(filePath(folder, old), { force: true })
  let current = record
  return {
    generation,
    update(change) {
      current = { ...current, ...change }
      const draft = `${path}.${record.nonce}`
      writeFileSync(draft, JSON.stringify(current), { mode: 0o600 })
      renameSync(draft, path)
    },
  }
}

function generations(folder: string): number[] {
  return readdirSync(folder)
    .flatMap((name) => /^(\d+)\.json$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
}

function filePath(folder: string, generation: number): string {
  return join(folder, `${String(generation).padStart(6, '0')}.json`)
}
