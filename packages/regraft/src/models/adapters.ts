import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileReference } from '../lineage/index.ts'
import type { BlobStore, ProjectStore } from '../store/types.ts'

/**
 * An adapter as an artifact: its files by content, and what it was made of. Equal bytes give an equal digest. Of an
 * adapter that was trained elsewhere recipe and snapshot are null: nobody here knows them.
 */
export interface AdapterRecord {
  base: string
  recipe: string | null
  snapshot: string | null
  files: FileReference[]
  /** Checks against its base that somebody took upon themselves when it was adopted; absent for none. */
  waived?: Waivable[]
}

/** Checks that may be waived: what they find changes how well an adapter works, not whether it is read whole. */
export const WAIVABLE = ['tokenizer', 'chat template'] as const
export type Waivable = (typeof WAIVABLE)[number]

/** Files of a PEFT folder that are read, and those that the checks before a load compare with the base where they are there. */
export const ADAPTER_FILES = {
  needed: ['adapter_config.json', 'adapter_model.safetensors'],
  compared: ['chat_template.jinja', 'tokenizer.json', 'tokenizer_config.json'],
} as const

/** Stores files of a PEFT folder, all unless some are named, in the order of their names. */
export async function storeAdapterFiles(
  blobs: BlobStore,
  folder: string,
  names?: readonly string[],
): Promise<AdapterRecord['files']> {
  const wanted = names ?? (await readdir(folder))
  const files: AdapterRecord['files'] = []
  for (const path of wanted.toSorted()) files.push({ path, ...(await blobs.putFile(join(folder, path))) })
  return files
}

/** Writes an adapter's PEFT folder below `parent`, once; its files' digests are checked while they are copied. */
export async function materializeAdapter(
  store: ProjectStore,
  digest: string,
  parent: string,
): Promise<string> {
  const folder = join(parent, digest.replace(/^sha256:/, ''))
  if (existsSync(folder)) return folder
  const { files } = await store.artifacts.read<AdapterRecord>(digest)
  const unfinished = `${folder}.${process.pid}.unfinished`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { recursive: true })
  for (const file of files) await store.blobs.copyTo(file.digest, join(unfinished, file.path))
  await rename(unfinished, folder)
  return folder
}
