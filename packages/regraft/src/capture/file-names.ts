import type { ProjectStore } from '../store/index.ts'
import { type ImportParameters, importStep } from './import-step.ts'

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
  for (const digest of digests) {
    const [file] = await store.artifacts.find('file', { digest })
    const readings = file ? await store.executions.consuming(file.digest) : []
    const last = readings.findLast(({ step }) => step === importStep.name)
    if (last) names.set(digest, (last.parameters as ImportParameters).fileName)
  }
  return names
}
