import { EngineError } from '../errors.ts'
import type { Base, BaseDigests } from '../formats/types.ts'

/** Throws `digest-mismatch`, naming the part, unless the base is the one that was recorded. */
export function checkDigests(base: Base, expected: BaseDigests): void {
  for (const part of ['weights', 'tokenizer', 'chatTemplate'] as const) {
    if (base.digests[part] === expected[part]) continue
    throw new EngineError(
      'digest-mismatch',
      `The ${part} of the base ${base.path} changed: recorded ${expected[part].slice(0, 12)}, found ${base.digests[part].slice(0, 12)}`,
      { hint: 'Restore the recorded file, or register the changed base under another name' },
    )
  }
}
