import { spawn } from 'node:child_process'
import { mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LoadedConfig } from '../../config/index.ts'
import { RegraftError } from '../../errors/index.ts'
import { lockFolder, readNewest } from '../holder/lock.ts'
import { probeHolder } from '../holder/socket.ts'
import type { GlobalOptions } from './context.ts'

/** How long the background process may take to answer, in milliseconds. */
const START_LIMIT = 30_000

/** Makes sure that another process holds the data directory, so that a job outlives this command. */
export async function startBackgroundHolder(loaded: LoadedConfig, options: GlobalOptions): Promise<void> {
  const { dataDirectory } = loaded.config
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 })
  const folder = lockFolder(dataDirectory)
  const isHeld = async () => {
    const record = readNewest(folder)?.record
    return record ? !record.released && (await probeHolder(record)) === 'alive' : false
  }
  if (await isHeld()) return
  const output = openSync(join(folder, 'background.log'), 'a', 0o600)
  const program = process.argv[1]!
  const globals = Object.entries(options).flatMap(([name, value]) =>
    typeof value === 'string' ? [`--${name}`, value] : [],
  )
  const child = spawn(process.execPath, [...process.execArgv, program, 'hold', ...globals], {
    detached: true,
    stdio: ['ignore', output, output],
  })
  let exited = false
  child.on('exit', () => {
    exited = true
  })
  child.unref()
  const deadline = Date.now() + START_LIMIT
  while (!(await isHeld())) {
    if (exited || Date.now() > deadline) {
      throw new RegraftError('unavailable', 'the background process did not start', {
        hint: `see ${join(folder, 'background.log')}, or run without --detach`,
      })
    }
    await sleep(30)
  }
}
