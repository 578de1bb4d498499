import type { InferenceRow } from '../store/types.ts'

/** What an inference belongs to: its end user and its conversation. Rows that share one must not be on both sides of a split. */
export function entitiesOf({ subject, payload }: Pick<InferenceRow, 'subject' | 'payload'>): string[] {
  return [
    ...(subject === null ? [] : [`subject ${subject}`]),
    ...(payload.conversation === undefined ? [] : [`conversation ${payload.conversation}`]),
  ]
}
