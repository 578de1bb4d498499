import type { ProjectStore, StoredText } from '../../store/types.ts'
import type { Verdict } from '../../verdict/index.ts'
import type { Drill } from './certificate.ts'
import type { Pieces } from './pieces.ts'
import { type Searched, searchFolder, searchServer, searchTexts } from './search.ts'

const LISTED = 100

export interface DrillOptions {
  dataDirectory: string
  /** Folder of a database server's files, where this process may read them itself. */
  databaseLog?: string
  signal: AbortSignal
  onProgress?: (files: number, bytes: number) => void
}

/** What a search found, before it is judged. */
export interface Search extends Searched {
  texts: Pick<StoredText, 'table' | 'key'>[]
}

/** Searches the data directory, the database's own files and its texts for the pieces. */
export async function search(project: ProjectStore, pieces: Pieces, options: DrillOptions): Promise<Search> {
  const { dataDirectory, databaseLog, signal, onProgress } = options
  if (pieces.count === 0) return { finds: [], unread: [], files: 0, bytes: 0, texts: [] }
  const parts = [await searchFolder(dataDirectory, pieces, { signal, ...(onProgress ? { onProgress } : {}) })]
  if (databaseLog !== undefined) {
    const found = await searchFolder(databaseLog, pieces, { signal })
    for (const entry of [...found.finds, ...found.unread]) entry.file = `${databaseLog}: ${entry.file}`
    parts.push(found)
  }
  const server = await project.traces.serverFiles()
  if (server !== null && 'reason' in server) {
    if (databaseLog === undefined) {
      const reason = `${server.reason}; name its folder with --database-log`
      parts.push({
        finds: [],
        files: 0,
        bytes: 0,
        unread: [{ file: 'the files of the database server', reason }],
      })
    }
  } else if (server !== null) parts.push(await searchServer(server, pieces))
  const texts = await searchTexts(project.traces, pieces)
  return {
    finds: parts.flatMap(({ finds }) => finds),
    unread: parts.flatMap(({ unread }) => unread),
    files: parts.reduce((sum, { files }) => sum + files, 0),
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
    texts: texts.map(({ table, key }) => ({ table, key })),
  }
}

/** Judges a search: one find is a failure, and words that nobody can search for any more decide nothing. */
export function judgeDrill(
  pieces: Pieces,
  found: Search,
  about: { subject: string; interrupted: boolean },
): Drill {
  const { finds, texts, files, bytes } = found
  const count = finds.length + texts.length
  const decide = (): Pick<Verdict, 'outcome' | 'reason'> => {
    if (count > 0) {
      const [first] = finds
      const place = first ? `, first in ${first.file} at byte ${first.offset}` : ''
      return { outcome: 'fail', reason: `words of the person are still in ${count} places${place}` }
    }
    if (about.interrupted) {
      return {
        outcome: 'cannot-tell',
        reason: 'the erasure was interrupted after the key was destroyed: nobody knows the words any more',
      }
    }
    if (pieces.count === 0) {
      return {
        outcome: 'cannot-tell',
        reason: 'no text of the person is distinctive enough to be searched for',
      }
    }
    const part = pieces.covered < pieces.texts ? ` (${pieces.covered} of ${pieces.texts} texts have one)` : ''
    return {
      outcome: 'pass',
      reason: `none of ${pieces.count} distinctive pieces${part} is in ${files} files`,
    }
  }
  const verdict: Verdict = {
    ...decide(),
    title: 'search for the words of the erased person',
    n: pieces.count,
    evidence: texts.filter(({ table }) => table === 'artifacts').map(({ key }) => key),
    rerun: `regraft datasets erase --hash ${about.subject}`,
  }
  return {
    ...{ verdict, files, bytes },
    texts: pieces.texts,
    covered: pieces.covered,
    pieces: pieces.count,
    finds: finds.slice(0, LISTED),
    records: texts.slice(0, LISTED),
  }
}
