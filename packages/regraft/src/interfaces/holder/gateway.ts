import { existsSync } from 'node:fs'
import { chmod, rm } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import type { Access, Environment } from '../http/context.ts'
import type { HolderRecord } from './lock.ts'
import { chooseSocketPath, HOLDER_PATH, LEAVING_HEADER } from './socket.ts'

/** How often a holder looks whether its socket file is still there, in milliseconds. */
const SOCKET_CHECK = 2_000

type FetchApp = (request: Request, environment: Environment) => Response | Promise<Response>

/** Requests from outside the process: they wait until the app is ready, are counted, and are refused at the end. */
export interface Gateway {
  listener(access: Access): RequestListener
  /** Opens the gate; what has arrived meanwhile is answered now. */
  open(fetchApp: FetchApp): void
  /** From now on every request is answered with 503 and the header that says it may be sent again elsewhere. */
  leave(): void
  readonly leaving: boolean
  /** Requests that are being answered. */
  readonly active: number
  /** Resolves when no request is being answered, or after `limit` milliseconds. */
  whenQuiet(limit?: number): Promise<void>
  /**
   * Resolves when no request is worked on, or after `limit` milliseconds: that may be later than the end of its answer,
   * as when the caller went away and what was seen is still logged.
   */
  whenIdle(limit: number): Promise<void>
}

/** Counts what is under way. */
class Tally {
  count = 0
  #none = Promise.withResolvers<void>()

  /** The function that is returned ends it. */
  begin(): () => void {
    if (this.count === 0) this.#none = Promise.withResolvers()
    this.count++
    return () => {
      this.count--
      if (this.count === 0) this.#none.resolve()
    }
  }

  async whenNone(limit?: number): Promise<void> {
    if (this.count === 0) return
    const timer = limit === undefined ? null : setTimeout(this.#none.resolve, limit)
    await this.#none.promise
    if (timer) clearTimeout(timer)
  }
}

export function createGateway(): Gateway {
  const ready = Promise.withResolvers<FetchApp>()
  const answers = new Tally()
  const work = new Tally()
  let leaving = false

  return {
    listener(access) {
      const listen = getRequestListener(
        async (request, node) => {
          const fetchApp = await ready.promise
          if (leaving) return refuse()
          return fetchApp(request, { access, ...(node as HttpBindings) })
        },
        { overrideGlobalObjects: false },
      )
      return (incoming, outgoing) => {
        outgoing.once('close', answers.begin())
        const done = work.begin()
        Promise.resolve(listen(incoming, outgoing)).then(done, done)
      }
    },
    open: (fetchApp) => ready.resolve(fetchApp),
    leave() {
      leaving = true
      ready.resolve(refuse)
    },
    get leaving() {
      return leaving
    },
    get active() {
      return answers.count
    },
    whenQuiet: (limit) => answers.whenNone(limit),
    whenIdle: (limit) => work.whenNone(limit),
  }
}

function refuse(): Response {
  const error = {
    message: 'this process is about to end',
    type: 'server_error',
    param: null,
    code: 'unavailable',
    hint: null,
  }
  return Response.json({ error }, { status: 503, headers: { [LEAVING_HEADER]: '1' } })
}

/** The socket of a (would-be) holder: answers its nonce at once, everything else through the gateway. */
export interface HolderSocket {
  record: HolderRecord
  close(): Promise<void>
}

export async function openHolderSocket(
  folder: string,
  gateway: Gateway,
  socketCheck = SOCKET_CHECK,
): Promise<HolderSocket> {
  const nonce = crypto.randomUUID().replaceAll('-', '').slice(0, 16)
  const path = chooseSocketPath(folder, nonce)
  const forward = gateway.listener('local')
  const servers: Server[] = []
  const listen = async () => {
    const server = createServer((incoming, outgoing) => {
      if (incoming.url !== HOLDER_PATH) return forward(incoming, outgoing)
      outgoing.setHeader('content-type', 'application/json')
      outgoing.end(JSON.stringify({ nonce, pid: process.pid, leaving: gateway.leaving }))
    })
    servers.push(server)
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve))
    if (process.platform !== 'win32') await chmod(path, 0o600)
  }
  await listen()
  // Whoever takes the lock trusts that a missing file means a dead holder, so one that was removed is made again.
  const check =
    process.platform === 'win32'
      ? null
      : setInterval(() => {
          if (!existsSync(path)) listen().catch(() => {})
        }, socketCheck).unref()

  return {
    record: {
      pid: process.pid,
      nonce,
      socket: path,
      startedAt: new Date().toISOString(),
      released: false,
      url: null,
    },
    async close() {
      if (check) clearInterval(check)
      for (const server of servers) {
        server.close()
        server.closeAllConnections()
      }
      if (process.platform !== 'win32') await rm(path, { force: true })
    },
  }
}
