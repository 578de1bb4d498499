import { z } from 'zod'
import type { Journals } from '../../capture/index.ts'
import { defineStep, type Step } from '../../lineage/index.ts'
import { canonicalBytes, digestOfBytes } from '../../store/index.ts'
import type { KeyName, ProjectStore } from '../../store/types.ts'
import { ANSWERS_KEY } from '../paraphrase-step.ts'
import { type Certificate, signCertificate } from './certificate.ts'
import { judgeDrill, search } from './drill.ts'
import { markErased } from './marks.ts'
import { type ErasurePlan, idsOf, piecesOf } from './plan.ts'
import { removableOf } from './reach.ts'
import { eraseFromJournal, removeDerived, removeRows, tablesToRewrite } from './remove.ts'

export interface EraseOptions {
  dataDirectory: string
  databaseLog?: string
  journals: Journals
  now: () => Date
  onStage: (stage: string, progress?: { done: number; unit: string }) => void
}

/**
 * The step that erases: destroys the person's key, then removes what the plan names, and searches for their words.
 *
 * Its input is a plan (role `plan`). Every part may be done again: an erasure that was interrupted goes on. External: what it
 * does cannot be done twice.
 */
export function eraseSubject(options: EraseOptions): Step<Record<string, never>> {
  return defineStep({
    name: 'datasets/erase-subject',
    version: 1,
    determinism: 'external',
    input: z.strictObject({}) as z.ZodType<Record<string, never>>,
    async run({ inputs, read, project, signal }) {
      const plan = await read<ErasurePlan>('plan')
      const { dataDirectory, journals, now, onStage } = options
      const key: KeyName = `subject/${plan.subject}`
      const destroyedBefore = await isDestroyed(project, plan, key)
      const pieces = await piecesOf(project, plan, signal, onStage)
      const planDigest = inputs.find(({ role }) => role === 'plan')!.digest
      await markErased(
        project,
        [...plan.snapshots, ...plan.adapters.map(({ adapter }) => adapter)],
        planDigest,
      )

      onStage('destroy the key')
      signal.throwIfAborted()
      // The point of no return.
      const destroyed = destroyedBefore ? false : await project.keys.destroy(key)
      const keyDestroyedAt = destroyed || destroyedBefore ? now().toISOString() : null

      // Vectors of their words, as endpoints gave them: all are forgotten, since none says whose it is.
      await project.keys.destroy(ANSWERS_KEY)

      onStage('remove rows')
      await removeRows(project, plan, signal)
      onStage('remove files')
      const removed = await removeDerived(project, plan, dataDirectory)
      const journal = await eraseFromJournal(project, journals, plan)
      onStage('rewrite tables')
      const problems = await project.traces.compact(tablesToRewrite(plan))

      onStage('search')
      const drillOptions = {
        ...{ dataDirectory, signal },
        ...(options.databaseLog === undefined ? {} : { databaseLog: options.databaseLog }),
        onProgress: (files: number) => onStage('search', { done: files, unit: 'files' }),
      }
      let found = await search(project, pieces, drillOptions)
      const left = await removableOf(
        project,
        found.finds.map(({ file }) => file),
        [],
      )
      if (left.blobs.length + left.paths.length + found.texts.length > 0) {
        // Written after the plan was made.
        const more = await removeDerived(project, { ...left, texts: found.texts }, dataDirectory)
        removed.jobs += more.jobs
        removed.answers += more.answers
        problems.push(...(await project.traces.compact(tablesToRewrite({ ...plan, texts: found.texts }))))
        found = await search(project, pieces, drillOptions)
      }
      const certificate: Certificate = {
        version: 1,
        project: project.projectId,
        subject: plan.subject,
        plannedAt: plan.plannedAt,
        keyDestroyedAt,
        finishedAt: now().toISOString(),
        removed: {
          own: countsOf(plan.own),
          derived: countsOf(plan.derived),
          rows: digestOfBytes(canonicalBytes(idsOf(plan).sort())),
          blobs: [...new Set([...plan.blobs, ...left.blobs])].sort(),
          paths: [...new Set([...plan.paths, ...left.paths])].sort(),
          ...removed,
          journal: { rejectedLines: journal.rejectedLines },
        },
        imports: plan.imports,
        snapshots: plan.snapshots,
        suites: plan.suites,
        exports: plan.exports,
        retrain: plan.adapters,
        drill: judgeDrill(pieces, found, { subject: plan.subject, interrupted: destroyedBefore }),
        notCovered: notCovered(plan, {
          unread: found.unread,
          problems: [...problems, ...journal.problems],
          texts: pieces.texts - pieces.covered,
        }),
      }
      const value = await signCertificate(project.keys, certificate)
      return [{ role: 'certificate', kind: 'certificate', schemaVersion: 1, value }]
    },
  })
}

/** Whether an earlier attempt has destroyed the key: none of the rows that it sealed can be read. */
async function isDestroyed(project: ProjectStore, plan: ErasurePlan, key: KeyName): Promise<boolean> {
  let sealed = 0
  for (const table of ['inferences', 'feedback', 'examples'] as const) {
    sealed += plan.own[table].length
    for await (const _ of project[table].select({ ids: plan.own[table].slice(0, 1) })) return false
  }
  return sealed > 0 || !(await project.keys.has(key))
}

function countsOf(rows: ErasurePlan['own']): Record<string, number> {
  return Object.fromEntries(Object.entries(rows).map(([table, ids]) => [table, ids.length]))
}

/** What nobody can promise from here, with what is known of it. */
function notCovered(
  plan: ErasurePlan,
  found: { unread: { file: string; reason: string }[]; problems: string[]; texts: number },
): string[] {
  const items = plan.suites.reduce((sum, suite) => sum + suite.items, 0)
  return [
    'backups of the data directory, of the database and of the keys: with a backup of the keys from before, a backup of the database can be read',
    ...(plan.adapters.length > 0
      ? [
          `what ${plan.adapters.length} adapters have learned: their weights stay until they are trained again`,
        ]
      : []),
    ...plan.exports.map(
      ({ of, what, principal }) => `the file that ${principal} exported: ${what}, export ${of}`,
    ),
    'files that were saved elsewhere, and copies outside of the data directory',
    'what upstream providers, proxies and the product itself have kept of the same calls, and embedding endpoints and judges of the texts that they were sent',
    'other servers of the same database: they may remember the key for up to a minute',
    'blocks of deleted files that the file system has not written over, and swap',
    ...(items > 0
      ? [
          `what models answered to ${items} evaluation items in the words of the person, in measurements of gates`,
        ]
      : []),
    ...(found.texts > 0
      ? [`${found.texts} texts of the person hold nothing distinctive, and were removed but not searched for`]
      : []),
    ...found.problems,
    ...found.unread.map(({ file, reason }) => `not searched: ${file} (${reason})`),
  ]
}
