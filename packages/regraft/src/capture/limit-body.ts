import type { MiddlewareHandler } from 'hono'
import { RegraftError } from '../errors/index.ts'

/**
 * Reads a request's body for the routes behind it, at most so many bytes. Throws 'invalid-input' when there are more.
 *
 * Hono's own bodyLimit makes a new Request of one without a Content-Length (a chunked body, as proxies send it), which
 * the requests of @hono/node-server refuse unless they replace the global Request.
 */
export function limitBody(maxBytes: number): MiddlewareHandler {
  const refuse = () => new RegraftError('invalid-input', `the body is over ${maxBytes} bytes`)
  return async (context, next) => {
    if (Number(context.req.header('content-length') ?? 0) > maxBytes) throw refuse()
    const { body, url, method, headers, signal } = context.req.raw
    if (body) {
      const chunks: Uint8Array[] = []
      let size = 0
      for await (const chunk of body) {
        size += chunk.byteLength
        if (size > maxBytes) throw refuse()
        chunks.push(chunk)
      }
      const whole = Uint8Array.from(Buffer.concat(chunks, size))
      context.req.raw = new Request(url, { method, headers, signal, body: whole })
    }
    await next()
  }
}
