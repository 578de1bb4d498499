import { renderVerdict, type Verdict } from '../../verdict/index.ts'

/** Text of any output for a terminal: a verdict as a card, fields as lines, lists of records as tables. */
export function renderOutput(output: unknown): string {
  if (output === null || output === undefined) return 'done'
  if (isVerdict(output)) return renderVerdict(output)
  if (Array.isArray(output)) return renderList(output)
  if (typeof output !== 'object') return String(output)
  const entries = Object.entries(output).filter(([, value]) => value !== undefined)
  if (entries.length === 1 && Array.isArray(entries[0]![1])) {
    const [name, list] = entries[0]!
    return list.length === 0 ? `no ${name}` : renderList(list)
  }
  const width = Math.max(0, ...entries.map(([name]) => words(name).length))
  return entries
    .map(([name, value]) => {
      const label = words(name)
      if (isVerdict(value)) return renderVerdict(value)
      if (Array.isArray(value) && value.some((item) => item !== null && typeof item === 'object')) {
        return `${label}:\n${indent(renderList(value))}`
      }
      if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
        return `${label}:\n${indent(renderOutput(value))}`
      }
      return `${label.padEnd(width)}  ${renderCell(value)}`
    })
    .join('\n')
}

function renderList(list: unknown[]): string {
  const rows = list.filter((item) => item !== null && typeof item === 'object' && !Array.isArray(item))
  if (rows.length < list.length || list.some(isVerdict))
    return list.map((item) => renderOutput(item)).join('\n')
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row as object)))]
  const table = [
    columns.map(words),
    ...rows.map((row) => columns.map((column) => renderCell((row as Record<string, unknown>)[column]))),
  ]
  const widths = columns.map((_, index) => Math.max(...table.map((cells) => cells[index]!.length)))
  return table
    .map((cells) =>
      cells
        .map((cell, index) => cell.padEnd(widths[index]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function renderCell(value: unknown): string {
  if (value === null || value === undefined) return '–'
  if (typeof value === 'number')
    return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)))
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object')) return value.join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ')
}

function isVerdict(value: unknown): value is Verdict {
  return (
    value !== null &&
    typeof value === 'object' &&
    'outcome' in value &&
    'evidence' in value &&
    'rerun' in value
  )
}
