import { errors, Pool } from 'undici'
import type { UpstreamConfig } from '../config/schema.ts'
import { RegraftError } from '../errors/index.ts'

/** Requests to one upstream at once; more wait for a connection. */
const CONNECTIONS = 1_024
const CONNECT_TIMEOUT = 10_000

const TIMEOUTS = [errors.ConnectTimeoutError, errors.HeadersTimeoutError, errors.BodyTimeoutError]

export function openPool({ url, timeout }: UpstreamConfig): Pool {
  return new Pool(new URL(url).origin, {
    connections: CONNECTIONS,
    connect: { timeout: CONNECT_TIMEOUT },
    headersTimeout: timeout * 1_000,
    bodyTimeout: timeout * 1_000,
  })
}

/** What the caller is told when an upstream does not answer, or stops in the middle: 504 for a timeout, else 502. */
export function upstreamFailure(upstream: string, cause: unknown): RegraftError {
  const late = TIMEOUTS.some((kind) => cause instanceof kind)
  const message = late
    ? `the upstream ${upstream} does not answer in time`
    : `the upstream ${upstream} cannot be reached, or broke off: ${reasonOf(cause)}`
  return new RegraftError('unavailable', message, {
    hint: late
      ? `send it again; upstreams.${upstream}.timeout in regraft.yaml is the limit`
      : `send it again, or check upstreams.${upstream}.url in regraft.yaml`,
    details: { status: late ? 504 : 502 },
    cause,
  })
}

function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) return reasonOf(cause.errors[0])
  return cause instanceof Error ? cause.message || cause.name : String(cause)
}
