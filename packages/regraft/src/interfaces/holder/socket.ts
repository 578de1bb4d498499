import { mkdtempSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { RegraftError } from '../../errors/index.ts'
import type { HolderRecord } from './lock.ts'

/** Length of a Unix socket path that every system takes (sun_path has 104 bytes on macOS, 108 on Linux). */
const SOCKET_PATH_LIMIT = 100

export const HOLDER_PATH = '/.holder'
/** Marks the answer of a holder that is about to leave: the request was not looked at and may be sent again. */
export const LEAVING_HEADER = 'x-regraft-leaving'

/** Where a holder with this nonce listens: in the data directory, or in a private folder when that path is too long. */
export function chooseSocketPath(folder: string, nonce: string): string {
  if (process.platform === 'win32') return `\\\\.\\pipe\\regraft-${nonce}`
  const path = join(folder, `${nonce}.sock`)
  if (Buffer.byteLength(path) <= SOCKET_PATH_LIMIT) return path
  return join(mkdtempSync(join(tmpdir(), 'regraft-')), `${nonce}.sock`)
}

/** What a lock's socket says: 'missing' and 'refused' mean that nobody listens, 'silent' that somebody is too busy. */
export type Probe = 'alive' | 'leaving' | 'silent' | 'refused' | 'missing'

/** Asks a socket for the nonce of its lock. */
export async function probeHolder(record: HolderRecord, timeout = 3_000): Promise<Probe> {
  try {
    const response = await requestSocket(record.socket, HOLDER_PATH, { signal: AbortSignal.timeout(timeout) })
    const answer = (await response.json()) as { nonce?: string; leaving?: boolean }
    if (answer.nonce !== record.nonce) return 'refused'
    return answer.leaving ? 'leaving' : 'alive'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ECONNREFUSED' || code === 'ENOTSOCK') return 'refused'
    if (code === 'ENOENT') return 'missing'
    if (code === 'EACCES' || code === 'EPERM') {
      throw new RegraftError(
        'data-directory-busy',
        `process ${record.pid} of another user holds the data directory`,
        {
          hint: 'run as that user, or point --data to a directory of your own',
          cause: error,
        },
      )
    }
    return 'silent'
  }
}

export interface SocketRequest {
  method?: string
  headers?: Record<string, string>
  body?: string | Readable
  signal?: AbortSignal
}

/** An HTTP request over a Unix socket or a Windows pipe; the answer streams. Rejects with the socket's own error. */
export function requestSocket(
  socketPath: string,
  path: string,
  options: SocketRequest = {},
): Promise<Response> {
  const { method = 'GET', headers, body, signal } = options
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      socketPath,
      path,
      method,
      headers: { ...headers, host: 'localhost' },
      signal,
    })
    request.on('error', reject)
    request.on('response', (message) => resolve(toResponse(message)))
    if (body instanceof Readable) {
      body.on('error', (error) => request.destroy(error))
      body.pipe(request)
    } else {
      request.end(body)
    }
  })
}

function toResponse(message: IncomingMessage): Response {
  const headers = new Headers()
  for (const [name, value] of Object.entries(message.headers)) {
    for (const one of Array.isArray(value) ? value : [value ?? '']) headers.append(name, one)
  }
  const status = message.statusCode ?? 500
  const body = status === 204 || status === 304 ? null : (Readable.toWeb(message) as ReadableStream)
  return new Response(body, { status, headers })
}
