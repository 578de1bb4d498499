import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { RegraftError } from '../../errors/index.ts'
import type { StoredFile } from '../../store/types.ts'

/** A file where it lies, to be read as one of the store is. Throws 'invalid-file' when there is none. */
export async function openPlainFile(path: string): Promise<StoredFile & { name: string }> {
  const found = await stat(path).catch(() => null)
  if (!found?.isFile()) {
    throw new RegraftError('invalid-file', found ? `${path} is not a file` : `there is no file ${path}`, {
      hint: 'check the path; it is relative to the working folder',
    })
  }
  return {
    name: basename(path),
    size: found.size,
    chunks: () => createReadStream(path, { highWaterMark: 1024 * 1024 }),
    async slice(start, end = found.size) {
      const file = await open(path)
      try {
        const bytes = Buffer.alloc(Math.max(0, Math.min(end, found.size) - start))
        const { bytesRead } = await file.read(bytes, 0, bytes.length, start)
        return bytes.subarray(0, bytesRead)
      } finally {
        await file.close()
      }
    },
  }
}
