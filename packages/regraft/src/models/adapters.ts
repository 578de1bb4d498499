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
}

/** Stores the files of a PEFT folder, in the order of their names. */
export async function storeAdapterFiles(blobs: BlobStore, folder: string): Promise<AdapterRecord['files']> {
  const names = (await readdir(folder)).sort()
  const files: AdapterRecord['files'] = []
  for (const path of names) files.push({ path, ...(await blobs.putFile(join(folder, path))) })
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
