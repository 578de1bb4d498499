import type { ScreenCoverage } from '@regraft/methods'
import { z } from 'zod'
import { defineStep, type Step } from '../lineage/index.ts'
import { type DroppedRow, type SnapshotManifest, suitesKeptOut } from './manifest.ts'
import type { ParaphraseMeasurement } from './paraphrase-step.ts'
import { sourceOf } from './row-source.ts'
import { readLearnedRows } from './snapshot-rows.ts'
import { firewall } from './stages/firewall.ts'
import { FIREWALL, type ScreenContext } from './stages/index.ts'
import { excludedItems, readSuite, type VaultAccess, VaultVisit } from './vault/index.ts'

/** The content of a measurement of a snapshot against a suite that was sealed after its build. */
export interface SnapshotScreening {
  measures: 'snapshot-screening'
  snapshot: string
  suite: string
  /** Rows that were compared: inferences, planted canaries not among them. */
  rows: number
  /** Items that they were compared with, and those of them that were in no suite that the build kept out. */
  items: number
  added: number
  /** Rows that the build would have left out, with item and rungs; nothing of their text. */
  found: DroppedRow[]
  /** How many items each rung can see. */
  coverage: ScreenCoverage[]
  /** As in the manifest of a snapshot: absent where its build looked for no paraphrases. */
  paraphrases?: NonNullable<SnapshotManifest['paraphrases']>
}

/**
 * Passes the rows of a snapshot through the firewall of builds once more, against another suite; all items take part, since
 * which answers are evidence depends on the others. Inputs: `snapshot`, `suite` and, where its build looked for
 * them, the `paraphrases` of its rows. Throws 'incompatible' when rows are gone.
 */
export function screenSnapshot(access: VaultAccess): Step<object> {
  return defineStep({
    name: 'datasets/screen-snapshot',
    version: 1,
    determinism: 'pure',
    input: z.object({}),
    async run({ inputs, read, readAll, project, signal }) {
      const digestsOf = (role: string) =>
        inputs.filter((input) => input.role === role).map(({ digest }) => digest)
      const manifest = await read<SnapshotManifest>('snapshot')
      const { rows, unmasked } = await readLearnedRows(project, manifest)
      const vault = new VaultVisit(project, access, 'screen')
      const suite = await vault.suite(digestsOf('suite')[0]!)
      const measured = digestsOf('paraphrases')
      const measurements = await readAll<ParaphraseMeasurement>('paraphrases')
      const found = new Map<string, DroppedRow>()
      const context: ScreenContext = {
        parameters: {
          splitBy: manifest.splitBy === 'entity' ? 'entity' : 'time',
          dropParaphrases: manifest.paraphrases?.some(({ dropped }) => dropped) ?? false,
        },
        ...{ project, signal, vault, suites: [suite], findings: {} },
        paraphrases: measurements.map((measurement, index) => ({ digest: measured[index]!, measurement })),
        drop({ inference }, reason, details = {}) {
          if (found.has(inference.id)) return
          found.set(inference.id, {
            inference: inference.id,
            source: sourceOf(inference),
            reason,
            ...details,
          })
        },
      }
      let left = rows
      for (const stage of FIREWALL) left = await stage(left, context)
      // By themselves: what many of them say must not make a stock answer of what a row teaches.
      if (unmasked.length > 0) await firewall(unmasked, { ...context, findings: {} })

      const [snapshot] = digestsOf('snapshot')
      await vault.log({ step: 'screen-snapshot', snapshot })
      const { erased } = await excludedItems(project, suite)
      const known = new Set<string>()
      for (const digest of suitesKeptOut(manifest)) {
        for (const { id } of (await readSuite(project, digest)).items) known.add(id)
      }
      const { coverage = [], paraphrases } = context.findings
      const items = suite.items.map(({ id }) => id).filter((id) => !erased.includes(id))
      const value: SnapshotScreening = {
        measures: 'snapshot-screening',
        ...{ snapshot: snapshot!, suite: suite.digest, rows: rows.length, items: items.length },
        added: items.filter((id) => !known.has(id)).length,
        found: [...found.values()].sort((a, b) => (a.inference < b.inference ? -1 : 1)),
        coverage,
        ...(paraphrases ? { paraphrases } : {}),
      }
      return [{ role: 'screening', kind: 'measurement', schemaVersion: 1, value }]
    },
  })
}
