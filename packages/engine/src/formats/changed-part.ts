import type { BaseDigests } from './types.ts'

/**
 * The part of a base that differs from the recorded one; null when none does. Weights come last: the digest of a GGUF
 * file's weights is that of the whole file, and changes with the tokenizer and the template inside.
 */
export function changedPart(recorded: BaseDigests, present: BaseDigests): keyof BaseDigests | null {
  const parts = ['tokenizer', 'chatTemplate', 'weights'] as const
  return parts.find((part) => recorded[part] !== present[part]) ?? null
}
