import type { IncomingMessage } from 'node:http'
import type { Context } from 'hono'
import { RegraftError } from '../errors/index.ts'
import { nodeOf, type ServingEnv } from './serving-env.ts'

/**
 * The bytes of a request's body, at most so many, straight from Node's request where there is one. Throws 'invalid-input'
 * when there are more, 'cancelled' when the caller breaks off.
 */
export async function readBody(context: Context<ServingEnv>, maxBytes: number): Promise<Buffer> {
  const refuse = () => new RegraftError('invalid-input', `the body is over ${maxBytes} bytes`)
  if (Number(context.req.header('content-length') ?? 0) > maxBytes) throw refuse()
  const incoming = nodeOf(context).incoming
  if (incoming) return readIncoming(incoming, maxBytes, refuse)
  const body = Buffer.from(await context.req.raw.arrayBuffer())
  if (body.length > maxBytes) throw refuse()
  return body
}

function readIncoming(
  incoming: IncomingMessage,
  maxBytes: number,
  refuse: () => RegraftError,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const add = (chunk: Buffer) => {
      size += chunk.length
      if (size > maxBytes) {
        incoming.off('data', add)
        reject(refuse())
      } else chunks.push(chunk)
    }
    incoming.on('data', add)
    incoming.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
    const gone = () => {
      // Every request closes in the end, and an error that nobody sees costs its stack.
      if (!incoming.complete) reject(new RegraftError('cancelled', 'the caller broke off'))
    }
    incoming.once('error', gone)
    incoming.once('close', gone)
  })
}
