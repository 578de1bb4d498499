// How the sequences of an update share rows, and which rows go through the model together.
import { type Batch, layOut, packRows, type Sequence } from '../decoder/batch.ts'

/**
 * Row lengths that are used, so that few graphs are compiled: 16, then 32, 48, 64, 96, 128, 192, 256, … and
 * `maxLength` itself.
 */
export function rowLengths(maxLength: number): number[] {
  const lengths = [16]
  for (let power = 32; power < maxLength; power *= 2) lengths.push(power, (power * 3) / 2)
  return [...lengths.filter((length) => length < maxLength), maxLength]
}

/**
 * Lays out the sequences of one update in micro-batches of at most `microBatchTokens` tokens, padding included, and at
 * least one row. The row length is the one of `rowLengths` that needs the fewest tokens; of equals the shortest, whose
 * attention is cheapest. `sequences` and `owners` of every batch are indices into the sequences given here, of which
 * `places` says which are laid out: all of them unless told.
 */
export function layOutUpdate(
  sequences: readonly Sequence[],
  options: { maxLength: number; microBatchTokens: number },
  places: readonly number[] = [...sequences.keys()],
): Batch[] {
  if (places.length === 0) return []
  const sizes = places.map((place) => sequences[place]!.ids.length)
  const longest = Math.max(...sizes)
  let best: { length: number; rows: number[][] } | null = null
  for (const length of rowLengths(options.maxLength)) {
    if (length < longest) continue
    const rows = packRows(sizes, length)
    if (!best || rows.length * length < best.rows.length * best.length) best = { length, rows }
  }
  const { length } = best!
  const rows = best!.rows.map((row) => row.map((i) => places[i]!))
  const rowsAtOnce = Math.max(1, Math.floor(options.microBatchTokens / length))
  // Parts of about equal size, so that most of them share a graph.
  const parts = Math.ceil(rows.length / rowsAtOnce)
  const size = Math.ceil(rows.length / parts)
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, part) =>
    layOut(sequences, { length, rows: rows.slice(part * size, (part + 1) * size) }),
  )
}
