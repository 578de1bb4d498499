import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { ERROR_CODES, type ErrorCode, RegraftError } from '../../errors/index.ts'
import type { ErrorDescription } from '../../operation/index.ts'
import type { HolderRecord } from '../holder/lock.ts'
import { LEAVING_HEADER, requestSocket } from '../holder/socket.ts'
import { PROJECT_HEADER } from '../http/authorize.ts'
import type { Instance, InstanceOptions } from '../instance.ts'

/** How often a request is sent again to holders that had gone before they looked at it. */
const ATTEMPTS = 20

interface SessionRequest {
  method?: 'GET' | 'POST'
  headers?: Record<string, string>
  /** Text, or a function that opens the stream (again, when the request is sent again). */
  body?: string | (() => Readable)
  signal?: AbortSignal
  /** Whether it does no harm to send it twice. */
  repeatable?: boolean
}

/** The way from the CLI to the HTTP app: in memory, over the holder's socket, or to a remote server. */
export interface Session {
  /** Sends a request and reads the answer; throws the error that the answer describes. */
  request<T>(path: string, request: SessionRequest, read: (response: Response) => Promise<T>): Promise<T>
  /** Ends the session; a holder first waits for whoever else it serves, unless it is interrupted. */
  close(interrupted: AbortSignal): Promise<void>
}

export interface LocalSessionOptions extends InstanceOptions {
  onWait(waitingFor: string): void
}

/** A session with the data directory: whoever holds it answers, and when nobody does, this process takes it. */
export function openLocalSession(options: LocalSessionOptions): Session & { abort(): Promise<void> } {
  const { onWait, ...instanceOptions } = options
  let connection: { instance: Instance } | { holder: HolderRecord } | null = null
  const connect = async () => {
    if (connection) return connection
    const { openInstance } = await import('../instance.ts')
    connection = await openInstance(instanceOptions)
    return connection
  }

  return {
    async request(path, request, read) {
      const headers = { ...request.headers, [PROJECT_HEADER]: options.loaded.config.project }
      let repeats = request.repeatable ? 1 : 0
      for (let attempt = 1; ; attempt++) {
        const current = await connect()
        if ('instance' in current) {
          return readAnswer(
            await current.instance.request(path, toRequestInit({ ...request, headers })),
            read,
          )
        }
        try {
          const body = typeof request.body === 'function' ? request.body() : request.body
          const { method, signal } = request
          const response = await requestSocket(current.holder.socket, path, { method, headers, body, signal })
          if (response.headers.has(LEAVING_HEADER)) throw new HolderLeaves()
          return await readAnswer(response, read)
        } catch (error) {
          if (error instanceof RegraftError || request.signal?.aborted) throw error
          connection = null
          const unseen = error instanceof HolderLeaves || isConnectError(error)
          if (attempt > ATTEMPTS || (!unseen && repeats-- === 0)) {
            throw new RegraftError('unavailable', 'the process that was doing this ended in the middle', {
              hint: 'look whether it was done (regraft jobs list), then run the command again',
              cause: error,
            })
          }
          await sleep(50)
        }
      }
    },
    /** Ends at once; running jobs stay resumable. */
    async abort() {
      if (connection && 'instance' in connection) await connection.instance.close()
    },
    async close(interrupted) {
      if (!connection || !('instance' in connection)) return
      const { instance } = connection
      const interruption = new Promise<void>((resolve) =>
        interrupted.addEventListener('abort', () => resolve()),
      )
      await Promise.race([instance.drain({ onWait }), interruption])
      await instance.close()
    },
  }
}

/** A session with a server elsewhere. */
export function openRemoteSession(options: {
  url: string
  key: string | undefined
  project: string | undefined
}): Session {
  const base = options.url.replace(/\/+$/, '')
  return {
    async request(path, request, read) {
      const headers: Record<string, string> = { ...request.headers }
      if (options.key) headers.authorization = `Bearer ${options.key}`
      if (options.project) headers[PROJECT_HEADER] = options.project
      let response: Response
      try {
        response = await fetch(base + path, toRequestInit({ ...request, headers }))
      } catch (cause) {
        if (request.signal?.aborted) throw cause
        throw new RegraftError('unavailable', `cannot reach ${base}`, {
          hint: 'check --url and whether the server runs',
          cause,
        })
      }
      return readAnswer(response, read)
    },
    async close() {},
  }
}

/** The holder had decided to end before it looked at the request. */
class HolderLeaves extends Error {}

function isConnectError(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ECONNREFUSED' || code === 'ENOENT'
}

function toRequestInit(request: SessionRequest): RequestInit & { duplex?: 'half' } {
  const { method = 'GET', headers, body, signal } = request
  if (typeof body !== 'function') return { method, headers, body, signal }
  return { method, headers, signal, body: Readable.toWeb(body()) as ReadableStream, duplex: 'half' }
}

async function readAnswer<T>(response: Response, read: (response: Response) => Promise<T>): Promise<T> {
  if (response.ok) return read(response)
  const text = await response.text()
  let described: Partial<ErrorDescription> = {}
  try {
    described = (JSON.parse(text) as { error?: ErrorDescription }).error ?? {}
  } catch {
    // A proxy in between answers in its own way.
  }
  const code: ErrorCode = described.code && described.code in ERROR_CODES ? described.code : 'unavailable'
  throw new RegraftError(code, described.message ?? `the server answered ${response.status}`, {
    hint: described.hint ?? undefined,
    details: { param: described.param ?? null },
  })
}
