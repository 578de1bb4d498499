/** Rows under a heading, their columns aligned; no trailing newline. */
export function renderTable(heading: string[], rows: string[][]): string {
  const table = [heading, ...rows]
  const widths = heading.map((_, column) => Math.max(...table.map((row) => row[column]!.length)))
  const line = (row: string[]) => row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')
  return table.map((row) => line(row).trimEnd()).join('\n')
}
