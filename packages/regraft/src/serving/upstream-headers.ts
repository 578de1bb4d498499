import type { IncomingHttpHeaders } from 'node:http'
import type { UpstreamConfig } from '../config/schema.ts'

/**
 * Of the caller's headers, the only ones that an upstream sees. Keys and cookies are the caller's and ours alone; no
 * accept-encoding, so that answers come readable.
 */
const FORWARDED = new Set([
  ...['accept', 'content-type', 'user-agent', 'idempotency-key', 'traceparent', 'tracestate'],
  ...['openai-organization', 'openai-project', 'openai-beta', 'x-client-request-id'],
])

/** Of the upstream's headers, those that concern its connection to us (RFC 9110, 7.6.1) or its own site. */
const KEPT_BACK = new Set([
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-connection', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade', 'set-cookie', 'alt-svc', 'strict-transport-security'],
])

export function requestHeaders(
  caller: IncomingHttpHeaders,
  { apiKey, headers }: UpstreamConfig,
): Record<string, string | string[]> {
  const sent: Record<string, string | string[]> = { 'content-type': 'application/json' }
  for (const [name, value] of Object.entries(caller)) {
    if (FORWARDED.has(name) && value !== undefined) sent[name] = value
  }
  if (apiKey !== undefined) sent.authorization = `Bearer ${apiKey}`
  for (const [name, value] of Object.entries(headers)) sent[name.toLowerCase()] = value
  return sent
}

export function responseHeaders(
  upstream: IncomingHttpHeaders,
  secrets: readonly string[],
): Record<string, string | string[]> {
  const sent: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(upstream)) {
    if (value === undefined || KEPT_BACK.has(name) || name.startsWith('x-regraft-')) continue
    if (secrets.some((secret) => String(value).includes(secret))) continue
    sent[name] = value
  }
  return sent
}

/** Values that may reach neither a caller nor a log. */
export function secretsOf({ apiKey, headers }: UpstreamConfig): string[] {
  return [apiKey, ...Object.values(headers)].filter(
    (text) => text !== undefined && text.length >= 8,
  ) as string[]
}

/** Error messages sometimes repeat the key that they were sent. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce((cleaned, secret) => cleaned.replaceAll(secret, '***'), text)
}
