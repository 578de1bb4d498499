/**
 * Inverts a square matrix by Gauss–Jordan elimination with pivots. Gives undefined where it is singular.
 */
export function inverse(matrix: readonly ArrayLike<number>[]): Float64Array[] | undefined {
  const size = matrix.length
  const rows = matrix.map((row, i) => {
    const extended = new Float64Array(2 * size)
    extended.set(row)
    extended[size + i] = 1
    return extended
  })
  for (let column = 0; column < size; column++) {
    let pivot = column
    for (let i = column + 1; i < size; i++) {
      if (Math.abs(rows[i]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = i
    }
    ;[rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!]
    const scale = rows[column]![column]!
    if (scale === 0) return undefined
    rows[column] = rows[column]!.map((value) => value / scale)
    for (let i = 0; i < size; i++) {
      const factor = rows[i]![column]!
      if (i !== column && factor !== 0) {
        rows[i] = rows[i]!.map((value, j) => value - factor * rows[column]![j]!)
      }
    }
  }
  return rows.map((row) => row.slice(size))
}
