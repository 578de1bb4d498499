import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { JOB_FILES, PROTOCOL_VERSION, type TrainingExample, type TrainingJob } from '@regraft/engine'
import type { SnapshotManifest, SnapshotRow } from '../datasets/index.ts'
import { RegraftError } from '../errors/index.ts'
import type { BaseRecord } from '../models/index.ts'
import type { ProjectStore } from '../store/types.ts'
import type { Recipe } from './recipe.ts'

const CHECKPOINT_SECONDS = 20
const PAGE = 500

export interface JobSources {
  recipe: Recipe
  /** Digest of the recipe; with it a checkpoint of another run is told apart. */
  recipeDigest: string
  base: BaseRecord
  basePath: string
  manifest: SnapshotManifest
}

/** Writes the job folder of the trainer protocol from the record; what is there already is replaced by the same bytes. */
export async function writeJobFolder(
  project: ProjectStore,
  folder: string,
  sources: JobSources,
): Promise<void> {
  const { recipe, recipeDigest, base, basePath, manifest } = sources
  await mkdir(folder, { recursive: true })
  const lines = async (split: SnapshotRow['split']) => {
    const examples = await readExamples(
      project,
      manifest.rows.filter((row) => row.split === split),
    )
    return examples.map((example) => `${JSON.stringify(example)}\n`).join('')
  }
  const job: TrainingJob = {
    protocol: PROTOCOL_VERSION,
    kind: 'lora',
    base: { name: base.name, path: basePath, digests: base.digests },
    recipe: recipe.training,
    identity: recipeDigest,
    checkpointSeconds: CHECKPOINT_SECONDS,
  }
  await replaceFile(join(folder, JOB_FILES.train), await lines('train'))
  await replaceFile(join(folder, JOB_FILES.validation), await lines('validation'))
  await replaceFile(join(folder, JOB_FILES.job), `${JSON.stringify(job, null, 2)}\n`)
}

/**
 * The examples of snapshot rows, in the snapshot's order.
 * Throws 'not-found' naming the first row that is gone and 'digest-mismatch' naming one that changed.
 */
async function readExamples(project: ProjectStore, rows: readonly SnapshotRow[]): Promise<TrainingExample[]> {
  const examples: TrainingExample[] = []
  for (let start = 0; start < rows.length; start += PAGE) {
    const page = rows.slice(start, start + PAGE)
    const found = new Map<string, { digest: string; example: TrainingExample }>()
    for await (const { id, digest, payload } of project.examples.select({ ids: page.map(({ id }) => id) })) {
      found.set(id, { digest, example: { messages: payload.messages, completion: payload.completion } })
    }
    for (const row of page) {
      const stored = found.get(row.id)
      if (!stored) throw new RegraftError('not-found', `the example ${row.id} of the snapshot is gone`)
      if (stored.digest !== row.digest) {
        throw new RegraftError('digest-mismatch', `the example ${row.id} is not the one of the snapshot`)
      }
      examples.push(stored.example)
    }
  }
  return examples
}

async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.unfinished`, text)
  await rename(`${path}.unfinished`, path)
}
