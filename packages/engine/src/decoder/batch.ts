/** Token sequences laid out in rows of equal length, ready for the decoder. */
export interface Batch {
  batch: number
  length: number
  /** [batch · length], 0 where padded. */
  ids: Int32Array
  /** Position of each token within its own sequence. */
  positions: BigInt64Array
  /** [batch, 1, length, length]: 0 where a token may look, a large negative number elsewhere. */
  mask: Float32Array
  /** Rows of the hidden states, in [0, batch · length), whose next token is learned or scored. */
  rows: Int32Array
  /** The next token of each such row. */
  targets: Int32Array
  /** Which input sequence each such row belongs to. */
  sequences: Int32Array
  /** [batch · length], which input sequence each token belongs to; −1 where padded. */
  owners: Int32Array
}

export interface Sequence {
  ids: readonly number[]
  /** Tokens from this index on are learned or scored; at least 1. */
  supervisedFrom: number
}

/** A score that softmax turns into exactly zero without making a row of all-masked tokens NaN. */
export const MASKED = -1e9

/** Lengths are rounded up to a multiple of this, so that few graphs are compiled. */
export const LENGTH_STEP = 16

/** Sequences by row, first-fit in the given order: indices of those that share a row of `length` tokens. */
export function packRows(lengths: readonly number[], length: number): number[][] {
  const rows: number[][] = []
  const used: number[] = []
  for (const [i, size] of lengths.entries()) {
    if (size > length) throw new Error(`a sequence of ${size} tokens does not fit in rows of ${length}`)
    let row = used.findIndex((taken) => taken + size <= length)
    if (row < 0) row = rows.push([]) - 1
    rows[row]!.push(i)
    used[row] = (used[row] ?? 0) + size
  }
  return rows
}

/**
 * Lays sequences out in rows: each row holds one or more whole sequences which do not see one another. With `length`
 * given, sequences share rows as `packRows` says, or as `rows` says, which may leave some out; without it each gets a
 * row of its own. Throws when a sequence is longer than `length`.
 */
export function layOut(
  sequences: readonly Sequence[],
  options: { length?: number; rows?: readonly (readonly number[])[] } = {},
): Batch {
  const longest = sequences.reduce((most, sequence) => Math.max(most, sequence.ids.length), 1)
  const length = options.length ?? Math.ceil(longest / LENGTH_STEP) * LENGTH_STEP
  const lengths = sequences.map((sequence) => sequence.ids.length)
  const rows =
    options.rows ?? (options.length === undefined ? sequences.map((_, i) => [i]) : packRows(lengths, length))
  const batch = rows.length
  const ids = new Int32Array(batch * length)
  const positions = new BigInt64Array(batch * length)
  const mask = new Float32Array(batch * length * length).fill(MASKED)
  const supervised: number[] = []
  const targets: number[] = []
  const sequenceOfRow: number[] = []
  const owners = new Int32Array(batch * length).fill(-1)
  for (const [row, members] of rows.entries()) {
    let start = 0
    for (const member of members) {
      const sequence = sequences[member]!
      for (const [i, id] of sequence.ids.entries()) {
        const at = row * length + start + i
        ids[at] = id
        positions[at] = BigInt(i)
        owners[at] = member
        const line = at * length
        mask.fill(0, line + start, line + start + i + 1)
        if (i + 1 >= sequence.supervisedFrom && i + 1 < sequence.ids.length) {
          supervised.push(at)
          targets.push(sequence.ids[i + 1]!)
          sequenceOfRow.push(member)
        }
      }
      start += sequence.ids.length
    }
    // A padded token looks at itself, so that its softmax has something to divide by.
    for (let i = start; i < length; i++) mask[(row * length + i) * length + i] = 0
  }
  return {
    batch,
    length,
    ids,
    positions,
    mask,
    rows: Int32Array.from(supervised),
    targets: Int32Array.from(targets),
    sequences: Int32Array.from(sequenceOfRow),
    owners,
  }
}

/**
 * The mask of layers that see only `window` tokens, the token itself included (Beltagy et al. 2020). Tokens of one
 * sequence lie side by side in a row, so their distance is that of their places.
 */
export function slidingMask({ batch, length, mask }: Batch, window: number): Float32Array {
  if (window >= length) return mask
  const sliding = Float32Array.from(mask)
  for (let line = 0; line < batch * length; line++) {
    const place = line % length
    sliding.fill(MASKED, line * length, line * length + Math.max(0, place - window + 1))
  }
  return sliding
}
