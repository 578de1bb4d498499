import { isDigest } from '../store/index.ts'

/** A file of an artifact: where it belongs, and the blob that holds its bytes. */
export interface FileReference {
  /** Relative path or name. */
  path: string
  digest: string
  size: number
}

/**
 * The blobs that an artifact's value names: its `files`, or itself when the value is a file reference.
 * Whatever an artifact keeps in the blob store is listed so; caches, walks and the garbage collector rely on it.
 */
export function filesOf(value: unknown): FileReference[] {
  if (isFileReference(value)) return [value]
  if (typeof value !== 'object' || value === null || !('files' in value)) return []
  return Array.isArray(value.files) ? value.files.filter(isFileReference) : []
}

function isFileReference(value: unknown): value is FileReference {
  return (
    typeof value === 'object' &&
    value !== null &&
    'path' in value &&
    typeof value.path === 'string' &&
    'size' in value &&
    typeof value.size === 'number' &&
    'digest' in value &&
    typeof value.digest === 'string' &&
    isDigest(value.digest)
  )
}
