import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { LoadedConfig } from '../config/index.ts'
import { RegraftError } from '../errors/index.ts'
import { startDrillSchedule } from '../fleet/index.ts'
import type { AnyOperation, Log } from '../operation/index.ts'
import { acquire } from './holder/acquire.ts'
import { createGateway, openHolderSocket } from './holder/gateway.ts'
import { type HolderRecord, type Lock, lockFolder } from './holder/lock.ts'
import { createApp } from './http/app.ts'
import { isLoopbackHost } from './http/authorize.ts'
import type { Protocol } from './http/context.ts'
import { createServices } from './services.ts'

/** How long requests may go on when the process ends, in milliseconds. */
const ANSWER_GRACE = 3_000
/** And how long what was cut off then may take to be logged. */
const LOG_GRACE = 1_000

export interface InstanceOptions {
  loaded: LoadedConfig
  operations: readonly AnyOperation[]
  /** Loaded only by the process that opens the store. */
  protocols: () => Promise<readonly Protocol[]>
  log: Log
  /**
   * 'all' for a server, which runs every waiting job; 'asked' for a command, which runs what it is asked for; 'none'
   * for one that only hands jobs in (Postgres, where a server runs them).
   */
  runs?: 'all' | 'asked' | 'none'
  /** True for a server: it takes the data directory for its journals even when the database is elsewhere. */
  serves?: boolean
}

/** A process that has the store open: the app in memory, on its socket, and on TCP where asked. */
export interface Instance {
  /** A request of this process itself, trusted. */
  request(path: string, init?: RequestInit): Promise<Response>
  /** Serves the app on TCP. Throws 'port-in-use', and 'invalid-config' for an address that needs an API key. */
  listen(address: { host: string; port: number }): Promise<{ url: string }>
  /** Waits until no job runs and no other process is served, at least for `quiet` milliseconds, then accepts no more. */
  drain(options?: { quiet?: number; onWait?: (waitingFor: string) => void }): Promise<void>
  /** Ends everything; running jobs stay resumable. */
  close(): Promise<void>
}

/** Opens the store of a configuration, or says which process holds its data directory. */
export async function openInstance(
  options: InstanceOptions,
): Promise<{ instance: Instance } | { holder: HolderRecord }> {
  const { loaded, log, serves = false } = options
  const { dataDirectory, databaseUrl } = loaded.config
  await prepareDataDirectory(loaded)
  const gateway = createGateway()
  if (databaseUrl && !serves) return { instance: await assemble(options, gateway, null) }

  const folder = lockFolder(dataDirectory)
  let socket: Awaited<ReturnType<typeof openHolderSocket>> | null = null
  let lock: Lock | null = null
  const release = async () => {
    gateway.leave()
    await socket?.close()
    lock?.update({ released: true })
  }
  try {
    const acquired = await acquire(folder, async () => {
      socket ??= await openHolderSocket(folder, gateway)
      return socket.record
    })
    if ('holder' in acquired) {
      await release()
      return acquired
    }
    lock = acquired.lock
    log.debug('holds the data directory', { generation: lock.generation })
    return { instance: await assemble(options, gateway, { release, lock }) }
  } catch (error) {
    await release()
    throw error
  }
}

async function assemble(
  options: InstanceOptions,
  gateway: ReturnType<typeof createGateway>,
  held: { lock: Lock; release(): Promise<void> } | null,
): Promise<Instance> {
  const { loaded, operations, protocols, log, runs = 'asked' } = options
  const { config } = loaded
  const { openStore } = await import('../store/index.ts')
  const store = await openStore(config)
  const holdsDirectory = held !== null
  const host = { loaded, store, operations, log, holdsDirectory, takesAllJobs: runs === 'all' }
  const { services, close: closeServices } = await createServices(host).catch(async (error) => {
    await store.close()
    throw error
  })
  const app = createApp({ store, config, operations, protocols: await protocols(), services, log })
  if (runs !== 'none') {
    const interrupted = await services.jobs.start()
    if (runs === 'asked') {
      for (const id of interrupted)
        log.warn(`job ${id} was interrupted; continue it with: regraft jobs follow ${id}`)
    }
  }
  const project = store.project(config.project)
  const drills =
    runs === 'all'
      ? startDrillSchedule({ store: project, config, jobs: services.jobs, operations, log })
      : null
  gateway.open(async (request, environment) => app.fetch(request, environment))
  const servers: Server[] = []

  return {
    async request(path, init) {
      return app.request(path, init, { access: 'local' })
    },

    async listen({ host, port }) {
      const loopback = isLoopbackHost(host)
      const keys = await store.project(config.project).apiKeys.list()
      if (!loopback && !keys.some((key) => key.revokedAt === null)) {
        throw new RegraftError('invalid-config', `${host} can be reached by others and there is no API key`, {
          hint: 'make one with `regraft keys create <name>`, or listen on 127.0.0.1',
        })
      }
      const access = loopback && !config.server.requireKey ? 'open' : 'keyed'
      const server = createServer(gateway.listener(access))
      await new Promise<void>((resolve, reject) => {
        server.once('error', (error: NodeJS.ErrnoException) => reject(explainListenError(error, host, port)))
        server.listen(port, host, resolve)
      })
      servers.push(server)
      const { address, family, port: bound } = server.address() as AddressInfo
      const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`
      held?.lock.update({ url })
      return { url }
    },

    async drain({ quiet = 0, onWait } = {}) {
      for (;;) {
        const running = services.jobs.running().length
        if (running > 0) onWait?.(running === 1 ? 'a job' : `${running} jobs`)
        else if (gateway.active > 0) onWait?.('another command')
        await services.jobs.whenIdle()
        if (gateway.active > 0) {
          await gateway.whenQuiet()
          continue
        }
        const seen = gateway.active
        if (quiet > 0) await new Promise((resolve) => setTimeout(resolve, quiet))
        if (gateway.active === seen && services.jobs.running().length === 0) break
      }
      gateway.leave()
    },

    async close() {
      gateway.leave()
      for (const server of servers) server.close()
      await drills?.stop()
      // First, because it ends the streams of those who follow jobs.
      await services.jobs.stop()
      await gateway.whenQuiet(ANSWER_GRACE)
      for (const server of servers) server.closeAllConnections()
      await gateway.whenIdle(LOG_GRACE)
      await closeServices()
      await store.close()
      await held?.release()
    },
  }
}

function explainListenError(error: NodeJS.ErrnoException, host: string, port: number): RegraftError {
  if (error.code === 'EADDRINUSE') {
    return new RegraftError('port-in-use', `port ${port} on ${host} is taken by another process`, {
      hint: 'choose another with --port (0 takes a free one) or server.port in regraft.yaml',
      cause: error,
    })
  }
  return new RegraftError('invalid-config', `cannot listen on ${host}:${port}: ${error.message}`, {
    hint: 'check server.host and server.port in regraft.yaml, or --host and --port',
    cause: error,
  })
}

/** Makes the data directory, unless nothing says that one is wanted here. */
async function prepareDataDirectory({ config, file, origins }: LoadedConfig): Promise<void> {
  const { dataDirectory, databaseUrl } = config
  if (!existsSync(dataDirectory) && file === null && !databaseUrl && !origins.has('dataDirectory')) {
    throw new RegraftError('not-found', `there is no regraft.yaml here or above, and no ${dataDirectory}`, {
      hint: 'regraft init',
    })
  }
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 })
  const ignore = join(dataDirectory, '.gitignore')
  if (!existsSync(ignore)) await writeFile(ignore, '*\n')
}
