import { z } from 'zod'
import { defineStep, shortDigest } from '../lineage/index.ts'
import type { AdapterRecord } from '../models/index.ts'
import type { Verdict } from '../verdict/index.ts'
import { type Registration, upcastRegistration } from './registration.ts'

/** The content of a verdict artifact of a rebuild drill. */
export interface RebuildRecord {
  adapter: string
  verdict: Verdict
}

const Finding = z.object({
  /** The first input that is missing or changed; null when a rebuild was possible. */
  missing: z.string().nullable(),
  /** The environment lock of the rebuild. */
  lock: z.record(z.string(), z.unknown()).nullable(),
  execution: z.string().nullable(),
})
export type RebuildFinding = z.output<typeof Finding>

/** Judges a drill: the registration and, where it could be made, the rebuilt adapter. */
export const judgeRebuild = defineStep({
  name: 'fleet/judge-rebuild',
  version: 1,
  determinism: 'pure',
  input: Finding,
  async run({ parameters, inputs, read, project }) {
    const registration = upcastRegistration(await read<Registration>('registration'))
    const rebuilt = inputs.find(({ role }) => role === 'rebuilt')?.digest ?? null
    const finding = await decide(parameters, registration, rebuilt, (digest) =>
      project.artifacts.read(digest),
    )
    const { name, version, adapter, seeds } = registration
    const evidence = [adapter, registration.execution, rebuilt, parameters.execution]
    const verdict: Verdict = {
      ...finding,
      title: `rebuild of ${name} v${version}`,
      n: 1,
      ...(seeds[0] === undefined ? {} : { seed: seeds[0] }),
      evidence: [...new Set(evidence.filter((item) => item !== null))],
      rerun: `regraft fleet rebuild ${name}`,
    }
    return [
      {
        role: 'verdict',
        kind: 'verdict',
        schemaVersion: 1,
        value: { adapter, verdict } satisfies RebuildRecord,
      },
    ]
  },
})

async function decide(
  { missing, lock }: RebuildFinding,
  registration: Registration,
  rebuilt: string | null,
  read: (digest: string) => Promise<AdapterRecord>,
): Promise<Pick<Verdict, 'outcome' | 'finding' | 'reason'>> {
  if (missing !== null || rebuilt === null) {
    return { outcome: 'fail', finding: 'IMPOSSIBLE', reason: `first missing input: ${missing}` }
  }
  if (rebuilt === registration.adapter) {
    const reason = `the same bytes came out: adapter ${shortDigest(rebuilt)}`
    return { outcome: 'pass', finding: 'REPRODUCED', reason }
  }
  const before = await read(registration.adapter)
  const after = await read(rebuilt)
  const changed = before.files.filter(
    ({ path, digest }) => after.files.find((file) => file.path === path)?.digest !== digest,
  )
  const reason = `${changed.map(({ path }) => path).join(' and ')} came out with other bytes; ${explain(registration, lock)}`
  return { outcome: 'fail', finding: 'DIFFERS', reason }
}

/** The parts of the environment lock that may be why. */
function explain(registration: Registration, now: RebuildFinding['lock']): string {
  const then = registration.environment.lock as Record<string, unknown>
  const parts = Object.keys(then).filter((part) => then[part] !== now?.[part])
  if (parts.length === 0) return 'the environment lock is the same'
  return `the environment lock differs: ${parts.map((part) => `${part} was ${then[part]}, is ${now?.[part]}`).join('; ')}`
}
