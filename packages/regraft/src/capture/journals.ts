import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { InferenceSubjects } from './feedback-subjects.ts'
import { type Journal, type JournalOptions, openJournal } from './journal.ts'
import type { RowSink } from './row-sink.ts'

declare module '../operation/types.ts' {
  interface Services {
    journals: Journals
  }
}

/** The journals of a data directory: one per project, so that no row can reach another project's store. */
export interface Journals {
  /** Whose words the inferences hold that went through these journals. */
  readonly subjects: InferenceSubjects
  /** The journal of a project, opened at its first use. */
  of(projectId: string): Promise<Journal>
  /** Resolves when everything that was acknowledged is in the store, so that a selection finds it. */
  drained(projectId: string): Promise<void>
  /** Closes all of them, see `Journal.close`. */
  close(): Promise<void>
}

/**
 * Opens the journals under a directory; those that an earlier process left begin to drain at once.
 *
 * @example
 * const journals = await openJournals(join(dataDirectory, 'journal'), { store })
 * const journal = await journals.of(projectStore.projectId)
 * await journal.append({ kind: 'inference', row })
 */
export async function openJournals(
  directory: string,
  options: Omit<JournalOptions, 'store'> & { store: { project(id: string): RowSink } },
): Promise<Journals> {
  const { store, ...rest } = options
  const subjects = new InferenceSubjects()
  const opened = new Map<string, Promise<Journal>>()
  const of = (projectId: string): Promise<Journal> => {
    let journal = opened.get(projectId)
    if (!journal) {
      const path = join(directory, encodeURIComponent(projectId))
      journal = openJournal(path, { ...rest, store: store.project(projectId) }).then((plain) =>
        noting(plain, projectId, subjects),
      )
      journal.catch(() => opened.delete(projectId))
      opened.set(projectId, journal)
    }
    return journal
  }
  await mkdir(directory, { recursive: true, mode: 0o700 })
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) await of(decodeURIComponent(entry.name))
  }
  return {
    subjects,
    of,
    drained: async (projectId) => (await of(projectId)).drained(),
    async close() {
      for (const journal of opened.values()) await (await journal).close()
    },
  }
}

/** Feedback may come while its inference is still on its way to the store. */
function noting(journal: Journal, projectId: string, subjects: InferenceSubjects): Journal {
  return {
    ...journal,
    append(record, until) {
      if (record.kind === 'inference') subjects.note(projectId, record.row.id, record.row.subject ?? null)
      return journal.append(record, until)
    },
  }
}
