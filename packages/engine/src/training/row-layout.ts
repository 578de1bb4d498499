// How the sequences of an update share rows, and which rows go through the model together.
import { type Batch, layOut, packRows, type Sequence } from '../decoder/batch.ts'

/**
 * Row lengths that are tried: 16, then 32, 48, 64, 96, 128, 192, 256, … and `maxLength` itself.
 */
function rowLengths(maxLength: number): number[] {
  const lengths = [16]
  for (let power = 32; power < maxLength; power *= 2) lengths.push(power, (power * 3) / 2)
  return [...lengths.filter((length) => length < maxLength), maxLength]
}

/**
 * The row length that needs the fewest tokens, padding included, for all of these updates, each given by the lengths of
 * its sequences; of equals the shortest, whose attention is cheapest. One length serves a whole run: then batches differ
 * in their number of rows alone and few graphs are compiled, each of which holds memory.
 */
export function chooseRowLength(updates: readonly (readonly number[])[], maxLength: number): number {
  const longest = Math.max(...updates.flat())
  let best = { length: maxLength, tokens: Infinity }
  for (const length of rowLengths(maxLength)) {
    if (length < longest) continue
    const tokens = updates.reduce((sum, lengths) => sum + packRows(lengths, length).length * length, 0)
    if (tokens < best.tokens) best = { length, tokens }
  }
  return best.length
}

/**
 * Lays out the sequences of one update in micro-batches of at most `microBatchTokens` tokens, padding included, and at
 * least one row. `sequences` and `owners` of every batch are indices into the sequences given here, of which `places`
 * says which are laid out: all of them unless told.
 */
export function layOutUpdate(
  sequences: readonly Sequence[],
  { rowLength: length, microBatchTokens }: { rowLength: number; microBatchTokens: number },
  places: readonly number[] = [...sequences.keys()],
): Batch[] {
  if (places.length === 0) return []
  const sizes = places.map((place) => sequences[place]!.ids.length)
  const rows = packRows(sizes, length).map((row) => row.map((i) => places[i]!))
  const rowsAtOnce = Math.max(1, Math.floor(microBatchTokens / length))
  // Parts of about equal size, so that most of them share a graph.
  const parts = Math.ceil(rows.length / rowsAtOnce)
  const size = Math.ceil(rows.length / parts)
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, part) =>
    layOut(sequences, { length, rows: rows.slice(part * size, (part + 1) * size) }),
  )
}
