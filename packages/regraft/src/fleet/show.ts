import { z } from 'zod'
import { shortDigest } from '../lineage/index.ts'
import { defineOperation } from '../operation/index.ts'
import { hashOfEntry } from '../store/index.ts'
import type { ProjectStore } from '../store/types.ts'
import { type Registration, requireRegistration } from './registration.ts'
import { signatureFaultOf } from './verify-log.ts'

const Signature = z.object({
  seq: z.int().describe('entry of the audit log'),
  at: z.string(),
  principal: z.string(),
  fault: z.string().nullable().describe('what is wrong with it; null when it is sound'),
})

/** The record of one version, whole, with the signature over its digest checked. */
export const showOperation = defineOperation({
  name: 'fleet show',
  effect: 'read',
  scope: 'read',
  mode: 'call',
  summary: 'Show the whole record of a registered adapter, and check its signature',
  input: z.object({ reference: z.string().describe('name, name@candidate or name@version') }),
  output: z.object({
    digest: z.string(),
    record: z.custom<Registration>(
      (value) => typeof value === 'object' && value !== null && 'adapter' in value,
    ),
    signature: Signature.nullable().describe('null for what was registered before there was a log'),
  }),
  positionals: ['reference'],
  example: 'regraft fleet show routing',
  render({ digest, record, signature }) {
    const signed =
      signature === null
        ? 'not signed: it was registered before there was a log'
        : signature.fault === null
          ? `signed by ${signature.principal} in entry ${signature.seq} of the log: sound`
          : `NOT SOUND: entry ${signature.seq} of the log, ${signature.fault}`
    const missing = record.missing.map(({ entry, fix }) => `missing: ${entry} (${fix})`)
    return [
      `${record.name} v${record.version}, ${record.origin}  registration ${shortDigest(digest)}`,
      signed,
      ...missing,
      ...Object.entries(record).flatMap(([field, value]) => linesOf(field, value)),
    ].join('\n')
  },
  async run({ store }, { reference }) {
    const { digest, registration } = await requireRegistration(store, reference)
    return { digest, record: registration, signature: await signatureOf(store, registration.name, digest) }
  },
})

async function signatureOf(store: ProjectStore, name: string, digest: string) {
  const entry = (await store.audit.list({ about: name })).find(
    ({ action, subject }) => (action === 'register' || action === 'adopt') && subject === digest,
  )
  if (!entry) return null
  const { publicKey } = await store.keys.sign(new Uint8Array(0))
  const changed = hashOfEntry(store.projectId, entry) === entry.hash ? null : 'it was changed'
  const fault = changed ?? signatureFaultOf(entry, publicKey)
  return { seq: entry.seq, at: entry.at.toISOString(), principal: entry.principal, fault }
}

function linesOf(field: string, value: unknown): string[] {
  if (field === 'missing') return []
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([name, member]) => linesOf(`${field}.${name}`, member))
  }
  const text = value === null ? 'unknown' : Array.isArray(value) ? value.join(', ') || 'none' : String(value)
  return [`  ${field}: ${text}`]
}
