import type { ProjectStore } from '../store/index.ts'
import type { Layout } from './import-formats.ts'
import { type ImportedFile, type ImportParameters, importStep } from './import-step.ts'
import type { RowUnit } from './parsed-row.ts'

const UNITS: Record<Layout, RowUnit> = { lines: 'line', document: 'item', parquet: 'row' }

/**
 * The names under which files were last imported and what their rows are counted by, by the digests of their bytes.
 *
 * A file artifact has no name; each import of it keeps the one it was given. Files that no import names are left out.
 */
export async function namesOfFiles(
  store: ProjectStore,
  digests: ReadonlySet<string>,
): Promise<Map<string, { name: string; unit: RowUnit }>> {
  const names = new Map<string, { name: string; unit: RowUnit }>()
  for (const digest of digests) {
    const [file] = await store.artifacts.find('file', { digest })
    const readings = file ? await store.executions.consuming(file.digest) : []
    const last = readings.findLast(({ step }) => step === importStep.name)
    if (!last) continue
    const { fileName: name, layout = 'lines' } = last.parameters as ImportParameters
    names.set(digest, { name, unit: UNITS[layout] })
  }
  return names
}

/** What an import stated of the rights on a file. */
export interface FileRights {
  /** sha256 of its bytes. */
  file: string
  consent: string | null
  licence: string | null
}

/** The rights that were stated for imported files, each by the last import that stated any; sorted by file. */
export async function rightsOfFiles(store: ProjectStore): Promise<FileRights[]> {
  const rights: FileRights[] = []
  for (const artifact of await store.artifacts.list('file')) {
    const readings = await store.executions.consuming(artifact.digest)
    const stated = readings
      .filter(({ step }) => step === importStep.name)
      .map(({ parameters }) => parameters as Partial<ImportParameters>)
      .findLast(({ consent, licence }) => consent != null || licence != null)
    if (!stated) continue
    const { digest } = await store.artifacts.read<ImportedFile>(artifact.digest)
    rights.push({ file: digest, consent: stated.consent ?? null, licence: stated.licence ?? null })
  }
  return rights.sort((a, b) => (a.file < b.file ? -1 : 1))
}
