import type { PiiSpan } from './span.ts'

/** Adds the spans that overlap none of those kept; both lists are in order and without overlaps, and so is the result. */
export function addSpans(kept: readonly PiiSpan[], more: readonly PiiSpan[]): PiiSpan[] {
  const merged: PiiSpan[] = []
  let next = 0
  for (const span of more) {
    while (next < kept.length && kept[next]!.end <= span.start) merged.push(kept[next++]!)
    if (next < kept.length && kept[next]!.start < span.end) continue
    merged.push(span)
  }
  return [...merged, ...kept.slice(next)]
}
