import type { Message } from '../../store/types.ts'
import type { Verdict } from '../../verdict/index.ts'

/** All that a report shows; nothing is looked up while the page is written. */
export interface ReportFacts {
  verdict: Verdict
  /** Digest of the verdict, and when it was made (ISO 8601). */
  record: string
  at: string
  /** What was judged, by name. */
  about: { name: string; value: string }[]
  scores: ModelScore[]
  evidence: { digest: string; what: string; command: string }[]
  contamination: ContaminationFacts | null
  /** Null where nobody asked for items. */
  items: DiscordantItem[] | null
}

/** How a model did on a suite; the interval, of right answers, is Wilson's at 95 %. */
export interface ModelScore {
  model: string
  suite: string
  scorer: string
  n: number
  right: number
  accuracy: number
  low: number
  high: number
}

/** What the build of the training rows found in common with the suites that judge. */
export interface ContaminationFacts {
  snapshot: string
  rows: number
  /** Names of the suites that were screened against. */
  suites: string[]
  /** Rows left out for what they share with items, by reason. */
  dropped: { reason: string; rows: number }[]
  coverage: { rung: string; text: string; words: number; covered: number; tooShort: number }[]
  paraphrases: { embedder: string; threshold: number; rows: number; dropped: boolean }[]
  /** Suites that have grown since, against which the rows were screened once more; and rows that hold items of them. */
  again: { suite: string; rows: number; items: number; added: number; found: number }[]
}

/** An item that two models answered differently; whoever reads the report has seen it. */
export interface DiscordantItem {
  id: string
  suite: string
  messages: Message[]
  expected: string
  slices: string[]
  candidate: { name: string; answer: string; score: number; correct: boolean }
  other: { name: string; answer: string; score: number; correct: boolean }
}
