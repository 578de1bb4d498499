import type { ProjectStore } from '../store/index.ts'
import { type ImportedFile, type ImportParameters, importStep } from './import-step.ts'

/**
 * The names under which files were last imported, by the digests of their bytes.
 *
 * A file artifact has no name; each import of it keeps the one it was given. Files that no import names are left out.
 */
export async function namesOfFiles(
  store: ProjectStore,
  digests: ReadonlySet<string>,
): Promise<Map<string, string>> {
  const names = new Map<string, string>()
  if (digests.size === 0) return names
  for (const artifact of await store.artifacts.list('file')) {
    const { digest } = await store.artifacts.read<ImportedFile>(artifact.digest)
    if (!digests.has(digest)) continue
    const readings = await store.executions.consuming(artifact.digest)
    const last = readings.findLast(({ step }) => step === importStep.name)
    if (last) names.set(digest, (last.parameters as ImportParameters).fileName)
    if (names.size === digests.size) break
  }
  return names
}
