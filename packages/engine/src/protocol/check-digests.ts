import { EngineError } from '../errors.ts'
import { changedPart } from '../formats/index.ts'
import type { Base, BaseDigests } from '../formats/types.ts'

/** Throws `digest-mismatch`, naming the part, unless the base is the one that was recorded. */
export function checkDigests({ path, digests }: Base, expected: BaseDigests): void {
  const part = changedPart(expected, digests)
  if (part === null) return
  throw new EngineError(
    'digest-mismatch',
    `The ${part} of the base ${path} changed: recorded ${expected[part].slice(0, 12)}, found ${digests[part].slice(0, 12)}`,
    { hint: 'Restore the recorded file, or register the changed base under another name' },
  )
}
