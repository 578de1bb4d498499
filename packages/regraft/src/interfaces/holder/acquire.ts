import { setTimeout as sleep } from 'node:timers/promises'
import { RegraftError } from '../../errors/index.ts'
import { type HolderRecord, type Lock, readNewest, takeLock } from './lock.ts'
import { type Probe, probeHolder } from './socket.ts'

/** How long a contender bears a holder that neither answers nor goes away, in milliseconds. */
const PATIENCE = 30_000
/**
 * How long a socket file may be missing while a process with the holder's pid lives: a holder whose file was removed
 * (a cleaner of the temporary folder) makes it again sooner than that.
 */
const MISSING_GRACE = 5_000
const RETRY = 40

export type Acquired = { lock: Lock } | { holder: HolderRecord }

/**
 * Makes this process the holder of a data directory, or finds the one that is.
 *
 * `prepare` begins to listen and returns this process's record, so that whoever sees its lock gets an answer.
 * Throws 'data-directory-busy' when the holder is silent for too long.
 */
export async function acquire(folder: string, prepare: () => Promise<HolderRecord>): Promise<Acquired> {
  const started = Date.now()
  let missingSince: number | null = null
  for (;;) {
    const newest = readNewest(folder)
    if (newest === null || newest.record?.released) {
      const lock = takeLock(folder, newest?.generation ?? 0, await prepare())
      if (lock) return { lock }
      continue
    }
    const { generation, record } = newest
    // A file that is being written is complete within a moment; one that stays unreadable is what a crash left.
    const probe: Probe = record ? await probeHolder(record) : 'missing'
    if (record && probe === 'alive') return { holder: record }
    missingSince = probe === 'missing' ? (missingSince ?? Date.now()) : null
    const waited = missingSince === null ? 0 : Date.now() - missingSince
    const gone =
      probe === 'refused' ||
      (probe === 'missing' &&
        (waited > MISSING_GRACE || (record ? !isProcessAlive(record.pid) : waited > 1_000)))
    // Read again: a holder that released between the two looks is not dead but gone in order.
    if (gone && readNewest(folder)?.generation === generation) {
      const lock = takeLock(folder, generation, await prepare())
      if (lock) return { lock }
      continue
    }
    if (Date.now() - started > PATIENCE) {
      throw new RegraftError(
        'data-directory-busy',
        `process ${record?.pid} holds the data directory and does not answer`,
        {
          hint: `wait for it, or end it with: kill ${record?.pid}`,
        },
      )
    }
    await sleep(RETRY)
  }
}

function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
