import { z } from 'zod'
import { shortDigest } from '../lineage/index.ts'
import { commandLine, defineOperation } from '../operation/index.ts'
import type { AuditEntry, ProjectStore } from '../store/types.ts'
import { renderVerdict, type Verdict, VerdictOutput } from '../verdict/index.ts'
import { renderTable } from './table.ts'
import { type ChainFinding, verifyChain } from './verify-log.ts'

const Entry = z.object({
  seq: z.int(),
  at: z.string(),
  principal: z.string(),
  action: z.string(),
  about: z.string(),
  subject: z.string().nullable(),
  details: z.record(z.string(), z.unknown()),
  hash: z.string(),
})

/** The audit log: what was registered, moved, drilled, erased and taken out, by whom and when. */
export const logOperation = defineOperation({
  name: 'fleet log',
  effect: 'read',
  scope: 'read',
  mode: 'call',
  summary: 'Show the audit log, and check its chain of hashes and signatures',
  input: z.object({
    verify: z.boolean().default(false).describe('check every entry, from the first'),
    head: z
      .string()
      .regex(/^(sha256:)?[0-9a-f]{12,64}$/, 'expected the hash of an entry, at least 12 digits of it')
      .optional()
      .describe('hash of an entry that you kept elsewhere: it must still be in the log'),
    newest: z.int().min(1).max(10_000).default(20).describe('how many entries to show'),
  }),
  output: z.object({
    entries: z.array(Entry),
    head: z.string().nullable().describe('hash of the last entry: keep it elsewhere'),
    verdict: VerdictOutput.nullable().describe('null unless it was verified'),
  }),
  example: 'regraft fleet log --verify',
  outcome: ({ verdict }) => verdict?.outcome ?? 'pass',
  render({ entries, verdict }) {
    const rows = entries.map((entry) => [
      ...[
        String(entry.seq),
        entry.at.slice(0, 19).replace('T', ' '),
        entry.principal,
        entry.action,
        entry.about,
      ],
      ...[shown(entry.details), shortDigest(entry.hash)],
    ])
    const table =
      rows.length === 0
        ? 'the log is empty'
        : renderTable(['', 'time (UTC)', 'who', 'what', 'about', 'details', 'hash'], rows)
    return verdict === null ? table : `${table}\n\n${renderVerdict(verdict)}`
  },
  async run({ store }, { verify, head, newest }) {
    const entries = await store.audit.list({ newest })
    const { publicKey } = await store.keys.sign(new Uint8Array(0))
    const finding =
      verify || head !== undefined
        ? await verifyChain(store.audit.entries(), { projectId: store.projectId, publicKey, head })
        : null
    return {
      entries: entries.map(view),
      head: entries.at(-1)?.hash ?? null,
      verdict: finding === null ? null : verdictOf(store, finding, head),
    }
  },
})

function view({ seq, at, principal, action, about, subject, details, hash }: AuditEntry) {
  return { seq, at: at.toISOString(), principal, action, about, subject, details, hash }
}

function shown(details: Record<string, unknown>): string {
  return Object.entries(details)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value)
      return `${name} ${/^sha256:/.test(text) ? shortDigest(text) : text}`
    })
    .join(', ')
}

function verdictOf({ projectId }: ProjectStore, finding: ChainFinding, head: string | undefined): Verdict {
  const { sound, broken, headFound } = finding
  return {
    outcome: broken !== null || headFound === false ? 'fail' : 'pass',
    title: `audit log of ${projectId}`,
    reason: reasonOf(finding, head),
    n: sound,
    evidence: finding.head === null ? [] : [finding.head.hash],
    rerun: commandLine(logOperation, { verify: true, head }),
  }
}

function reasonOf({ sound, head: last, broken, headFound }: ChainFinding, head: string | undefined): string {
  if (broken !== null) return `the first broken entry is ${broken.seq}: ${broken.reason}`
  if (headFound === false) {
    return `the entry ${head} is not in the log: its end was cut off, or all of it was written anew`
  }
  const whole = `${sound} entries follow one another, each signed with the key of this project`
  if (headFound === true) return `${whole}; the entry that you kept is among them`
  const keep = last === null ? '' : `: keep the hash of entry ${last.seq} elsewhere, and give it with --head`
  return `${whole}; that none was cut off at the end, a chain cannot show${keep}`
}
