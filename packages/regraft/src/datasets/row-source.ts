import { namesOfFiles } from '../capture/index.ts'
import { shortDigest } from '../lineage/index.ts'
import type { InferenceRow, ProjectStore } from '../store/types.ts'
import type { RowSource } from './manifest.ts'

const IMPORTED = /^import:(sha256:[0-9a-f]{64}):(\d+)$/
const RESCUED = /^rescue:sha256:[0-9a-f]{64}$/

/** Where an inference came from; of a row of an exported snapshot, what that snapshot named. */
export function sourceOf({ payload: { source, origin } }: Pick<InferenceRow, 'payload'>): RowSource {
  if (origin !== undefined && isRowSource(origin.source)) return origin.source
  if (source.kind === 'import') return `import:${source.file}:${source.line}`
  return source.kind === 'rescue' ? `rescue:${source.adapter}` : source.kind
}

function isRowSource(source: string): source is RowSource {
  return source === 'serving' || source === 'trace' || IMPORTED.test(source) || RESCUED.test(source)
}

/** The source of a row without its line. */
export function sourceKey(source: RowSource): string {
  return source.startsWith('import:') ? source.replace(/:\d+$/, '') : source
}

/** Says where rows are to be found: 'line 14 of traffic.jsonl', or the id of an inference that was served. */
export async function describePlaces(
  store: ProjectStore,
  rows: readonly { inference: string; source: RowSource }[],
): Promise<string[]> {
  const lines = rows.map(({ source }) => IMPORTED.exec(source))
  const names = await namesOfFiles(store, new Set(lines.flatMap((match) => match?.[1] ?? [])))
  return rows.map(({ inference }, index) => {
    const [, file, line] = lines[index] ?? []
    if (file === undefined) return `inference ${inference}`
    const { name, unit } = names.get(file) ?? { name: `file ${shortDigest(file)}`, unit: 'line' }
    return `${unit} ${line} of ${name}`
  })
}
