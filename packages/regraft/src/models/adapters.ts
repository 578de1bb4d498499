import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobStore, ProjectStore } from '../store/types.ts'

/** An adapter as an artifact: its files by content, and what it was made of. Equal bytes give an equal digest. */
export interface AdapterRecord {
  base: string
  recipe: string
  snapshot: string
  files: { name: string; digest: string; size: number }[]
}

/** Stores the files of a PEFT folder, by name. */
export async function storeAdapterFiles(blobs: BlobStore, folder: string): Promise<AdapterRecord['files']> {
  const names = (await readdir(folder)).sort()
  const files: AdapterRecord['files'] = []
  for (const name of names) files.push({ name, ...(await blobs.putFile(join(folder, name))) })
  return files
}

/** Writes an adapter's PEFT folder below `parent`, once; its files' digests are checked while they are copied. */
export async function materializeAdapter(store: ProjectStore, digest: string, parent: string): Promise<string> {
  const folder = join(parent, digest.replace(/^sha256:/, ''))
  if (existsSync(folder)) return folder
  const { files } = await store.artifacts.read<AdapterRecord>(digest)
  const unfinished = `${folder}.${process.pid}.unfinished`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { recursive: true })
  for (const file of files) await store.blobs.copyTo(file.digest, join(unfinished, file.name))
  await rename(unfinished, folder)
  return folder
}
