import { ByteMatcher, normalizeText } from '@regraft/methods'
import type { RowTableName } from '../../lineage/index.ts'
import type { ExamplePayload, FeedbackPayload, InferencePayload, ProjectStore } from '../../store/types.ts'

/** A piece of this many characters is taken of a longer text, at its start, middle and end. */
const WINDOW = 24
/** Shorter texts are looked for as a whole, in quotes; below the second number not at all. */
const SHORT = 12
const SHORTEST = 6
const MOST_PIECES = 20_000
const PAGE = 500

/** How a piece may be written in a file. */
type Encoding = 'UTF-8' | 'JSON' | 'JSON, ASCII' | 'CSV' | 'UTF-16' | 'normalised'

/** What the drill looks for. It holds the words of the person: it stays in memory and is never written down. */
export interface Pieces {
  matcher: ByteMatcher
  /** Of each pattern of the matcher. */
  forms: { piece: number; encoding: Encoding }[]
  /** Distinct texts of the person, and those of them that a piece stands for. */
  texts: number
  covered: number
  count: number
}

interface OwnText {
  text: string
  /** Written by the person: looked for as a whole when it is short. */
  own: boolean
}

/** The texts of a row, without system prompts, which are the product's. */
function textsOf(table: RowTableName, payload: unknown): OwnText[] {
  if (table === 'inferences') {
    const { messages, response, candidates = [] } = payload as InferencePayload
    return [
      ...messages.filter(isSpoken).map(({ role, content }) => ({ text: content, own: role === 'user' })),
      ...[response ?? '', ...candidates.map(({ content }) => content)].map((text) => ({ text, own: false })),
    ]
  }
  if (table === 'feedback') {
    const event = payload as FeedbackPayload
    return 'value' in event && typeof event.value === 'string'
      ? [{ text: event.value, own: event.type !== 'label' }]
      : []
  }
  const example = payload as ExamplePayload
  const answers = example.kind === 'preference' ? [example.chosen, example.rejected] : [example.completion]
  return [
    ...example.messages
      .filter(isSpoken)
      .map(({ role, content }) => ({ text: content, own: role === 'user' })),
    ...answers.map((text) => ({ text, own: false })),
  ]
}

function isSpoken({ role }: { role: string }): boolean {
  return role !== 'system' && role !== 'developer'
}

/** The readable texts of rows, each once. */
export async function readTexts(
  project: ProjectStore,
  rows: Record<RowTableName, readonly string[]>,
): Promise<Map<string, OwnText>> {
  const texts = new Map<string, OwnText>()
  for (const [table, ids] of Object.entries(rows) as [RowTableName, string[]][]) {
    for (let start = 0; start < ids.length; start += PAGE) {
      for await (const { payload } of project[table].select({ ids: ids.slice(start, start + PAGE) })) {
        for (const { text, own } of textsOf(table, payload)) {
          const key = text.trim()
          if (key !== '') texts.set(key, { text: key, own: own || (texts.get(key)?.own ?? false) })
        }
      }
    }
  }
  return texts
}

/**
 * Chooses what to look for: pieces of the texts that no row of anybody else holds.
 *
 * Every other row is read once. Texts of which nothing is distinctive are counted in `texts` and not in `covered`.
 */
export async function choosePieces(
  project: ProjectStore,
  texts: ReadonlyMap<string, OwnText>,
  erased: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Pieces> {
  const candidates: { piece: string; quoted: boolean; text: number }[] = []
  const seen = new Set<string>()
  for (const [index, { text, own }] of [...texts.values()].entries()) {
    for (const { piece, quoted } of piecesOf(text, own)) {
      if (seen.has(piece) || candidates.length >= MOST_PIECES) continue
      seen.add(piece)
      candidates.push({ piece, quoted, text: index })
    }
  }
  const forms = candidates.flatMap(({ piece, quoted }, index) =>
    formsOf(piece, quoted).map(({ encoding, bytes }) => ({ piece: index, encoding, bytes })),
  )
  const matcher = new ByteMatcher(forms.map(({ bytes }) => bytes))
  const common = new Set<number>()
  for (const table of ['inferences', 'feedback', 'examples'] as const) {
    for await (const { id, payload } of project[table].select()) {
      signal.throwIfAborted()
      if (erased.has(id)) continue
      for (const { pattern } of matcher.find(Buffer.from(JSON.stringify(payload)))) {
        common.add(forms[pattern]!.piece)
      }
    }
  }
  const kept = forms.filter(({ piece }) => !common.has(piece))
  const left = new Set(kept.map(({ piece }) => piece))
  return {
    matcher: new ByteMatcher(kept.map(({ bytes }) => bytes)),
    forms: kept.map(({ piece, encoding }) => ({ piece, encoding })),
    texts: texts.size,
    covered: new Set([...left].map((piece) => candidates[piece]!.text)).size,
    count: left.size,
  }
}

function piecesOf(text: string, own: boolean): { piece: string; quoted: boolean }[] {
  if (text.length < SHORT) return own && text.length >= SHORTEST ? [{ piece: text, quoted: true }] : []
  if (text.length <= WINDOW) return [{ piece: text, quoted: false }]
  const last = text.length - WINDOW
  const starts = new Set([0, Math.floor(last / 2), last])
  return [...starts].map((start) => ({ piece: wellFormed(text.slice(start, start + WINDOW)), quoted: false }))
}

/** Without half of a character at either end. */
function wellFormed(piece: string): string {
  return piece.replace(/^[\udc00-\udfff]/, '').replace(/[\ud800-\udbff]$/, '')
}

function formsOf(piece: string, quoted: boolean): { encoding: Encoding; bytes: Uint8Array }[] {
  const forms = new Map<string, { encoding: Encoding; bytes: Uint8Array }>()
  const add = (encoding: Encoding, text: string, as: BufferEncoding = 'utf8') => {
    const bytes = Buffer.from(text, as)
    const key = bytes.toString('latin1')
    if (!forms.has(key)) forms.set(key, { encoding, bytes })
  }
  const json = JSON.stringify(piece).slice(1, -1)
  const ascii = json.replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  const around = (text: string) => (quoted ? `"${text}"` : text)
  add('UTF-8', around(piece))
  add('JSON', around(json))
  add('JSON, ASCII', around(ascii))
  add('CSV', around(piece.replaceAll('"', '""')))
  add('UTF-16', piece, 'utf16le')
  const normalised = normalizeText(piece)
  if (!quoted && normalised.length >= SHORT) add('normalised', normalised)
  return [...forms.values()]
}
