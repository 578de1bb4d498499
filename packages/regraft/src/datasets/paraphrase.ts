// The paraphrase rung of the firewall: rows that say what an evaluation item says, in other words.
import { CosineIndex, type Neighbour, type UnitVectors } from '@regraft/methods'
import type { SealedLedger } from '../lineage/index.ts'
import type { Embedder, EmbedderSource } from '../models/index.ts'
import type { JudgeVerdict, PairJudge } from './paraphrase-judge.ts'

/** A text of an evaluation item, under an id that says nothing of it. An item may have several. */
export interface ItemText {
  id: string
  text: string
}

export interface ComparedRow {
  id: string
  /** Prompt and answers; the one that is nearest to an item counts. */
  texts: string[]
}

/** A row that resembles an item. Holds no text. */
export interface ParaphrasePair {
  row: string
  item: string
  /** Cosine, rounded to four places: what is beyond depends on the processor. */
  similarity: number
  /** What the judge said, where one was asked. */
  verdict?: JudgeVerdict
}

export interface ParaphraseFindings {
  /** Pairs at or above the threshold, of each row at most three, the nearest first; rows in their order. */
  pairs: ParaphrasePair[]
  items: number
  rows: number
  /** Texts of which the embedder read only the beginning. */
  truncated: { items: number; rows: number }
  /** Rows by the similarity of their nearest item: one count for each twentieth from 0 to 1. */
  histogram: number[]
}

export interface ParaphraseScreen {
  items: readonly ItemText[]
  rows: Iterable<ComparedRow> | AsyncIterable<ComparedRow>
  embedder: EmbedderSource
  /** Similarity from which a pair is listed. */
  threshold: number
  judge?: PairJudge
  ledger: SealedLedger
  signal: AbortSignal
  report?: (rows: number) => void
}

const PAGE = 256
const NEAREST = 3
const BINS = 20
/** Pairs that the judge is asked about at once. */
const JUDGED_TOGETHER = 4

/**
 * Compares every row with every item, exactly, and lists the pairs that are at least `threshold` alike. Rows are read in
 * pages: needs the memory of the items' vectors and of one page.
 *
 * With a judge each pair gets its verdict; a row whose nearest item it calls a leak is not asked about further.
 */
export async function screenParaphrases(screen: ParaphraseScreen): Promise<ParaphraseFindings> {
  const { items, rows, signal, ledger, threshold, report } = screen
  const findings: ParaphraseFindings = {
    pairs: [],
    items: new Set(items.map(({ id }) => id)).size,
    rows: 0,
    truncated: { items: 0, rows: 0 },
    histogram: new Array<number>(BINS).fill(0),
  }
  const texts = items.map(({ text }) => text)
  const embedder = await screen.embedder.open({ items: texts, ledger, signal })
  try {
    const embedded = await embedPages(embedder, texts, signal)
    findings.truncated.items = embedded.truncated
    const index = new CosineIndex(embedded.vectors)
    for await (const page of pagesOf(rows)) {
      signal.throwIfAborted()
      const near = await nearestOf(embedder, index, page, findings)
      const found: FoundRow[] = []
      for (const [at, row] of page.entries()) {
        const [best] = near[at]!
        findings.histogram[binOf(best?.similarity ?? 0)]! += 1
        const pairs = near[at]!.filter(({ similarity }) => similarity >= threshold)
        if (pairs.length > 0) found.push({ row, pairs: onePerItem(pairs, items) })
      }
      findings.pairs.push(...(await judgePairs(found, screen)))
      findings.rows += page.length
      report?.(findings.rows)
    }
    return findings
  } finally {
    await embedder.close()
  }
}

interface RowNeighbour extends Neighbour {
  /** Which of the row's texts it is near to. */
  text: string
}

interface FoundRow {
  row: ComparedRow
  pairs: RowNeighbour[]
}

async function nearestOf(
  embedder: Embedder,
  index: CosineIndex,
  page: readonly ComparedRow[],
  findings: ParaphraseFindings,
): Promise<RowNeighbour[][]> {
  const near: RowNeighbour[][] = page.map(() => [])
  const texts = page.flatMap((row, at) => row.texts.map((text) => ({ at, text })))
  if (texts.length === 0 || index.size === 0) return near
  const { vectors, truncated } = await embedder.embed(texts.map(({ text }) => text))
  findings.truncated.rows += truncated
  for (const [place, neighbours] of index.nearest(vectors, NEAREST).entries()) {
    const { at, text } = texts[place]!
    for (const { item, similarity } of neighbours) {
      near[at]!.push({ item, similarity: Math.round(similarity * 1e4) / 1e4, text })
    }
  }
  return near.map((neighbours) => neighbours.sort((a, b) => b.similarity - a.similarity || a.item - b.item))
}

/** An item has several texts, and so has a row: of their pairs the nearest counts. */
function onePerItem(pairs: readonly RowNeighbour[], items: readonly ItemText[]): RowNeighbour[] {
  const seen = new Set<string>()
  return pairs.filter(({ item }) => !seen.has(items[item]!.id) && seen.add(items[item]!.id)).slice(0, NEAREST)
}

async function judgePairs(found: readonly FoundRow[], screen: ParaphraseScreen): Promise<ParaphrasePair[]> {
  const judged = new Array<ParaphrasePair[]>(found.length)
  const waiting = found.entries()
  const judgeNext = async () => {
    for (const [at, one] of waiting) judged[at] = await judgeRow(one, screen)
  }
  // The first failure ends the run; the others' answers are kept in the ledger.
  await Promise.all(Array.from({ length: JUDGED_TOGETHER }, judgeNext))
  return judged.flat()
}

async function judgeRow({ row, pairs }: FoundRow, { items, judge, signal }: ParaphraseScreen) {
  const judged: ParaphrasePair[] = []
  for (const { item, similarity, text } of pairs) {
    const pair: ParaphrasePair = { row: row.id, item: items[item]!.id, similarity }
    if (judge) {
      signal.throwIfAborted()
      pair.verdict = await judge.judge(items[item]!.text, text)
    }
    judged.push(pair)
    if (pair.verdict === 'leak') break
  }
  return judged
}

/** Rows to leave out: those with a pair that the judge, if there is one, did not call different. */
export function rowsToDrop(pairs: readonly ParaphrasePair[]): Map<string, ParaphrasePair> {
  const drops = new Map<string, ParaphrasePair>()
  for (const pair of pairs) {
    const worse = pair.verdict === 'leak' && drops.get(pair.row)?.verdict === 'cannot-tell'
    if (pair.verdict !== 'different' && (worse || !drops.has(pair.row))) drops.set(pair.row, pair)
  }
  return drops
}

function binOf(similarity: number): number {
  return Math.min(BINS - 1, Math.max(0, Math.floor(similarity * BINS)))
}

async function embedPages(embedder: Embedder, texts: readonly string[], signal: AbortSignal) {
  const pages: UnitVectors[] = []
  let truncated = 0
  for (let start = 0; start < texts.length; start += PAGE) {
    signal.throwIfAborted()
    const page = await embedder.embed(texts.slice(start, start + PAGE))
    pages.push(page.vectors)
    truncated += page.truncated
  }
  return { vectors: joined(pages), truncated }
}

function joined(pages: readonly UnitVectors[]): UnitVectors {
  const [first] = pages
  if (first?.kind !== 'dense') {
    return { kind: 'sparse', rows: pages.flatMap((page) => (page.kind === 'sparse' ? page.rows : [])) }
  }
  const parts = pages.map((page) => (page.kind === 'dense' ? page.values : new Float32Array(0)))
  const values = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    values.set(part, offset)
    offset += part.length
  }
  return { kind: 'dense', dimension: first.dimension, values }
}

async function* pagesOf(rows: ParaphraseScreen['rows']): AsyncGenerator<ComparedRow[]> {
  let page: ComparedRow[] = []
  for await (const row of rows) {
    page.push(row)
    if (page.length < PAGE) continue
    yield page
    page = []
  }
  if (page.length > 0) yield page
}
