// The rows of banking77 that every benchmark here uses, so that all of them train and test on the same ones.
// Data: Casanueva et al. 2020, "Efficient Intent Detection with Dual Sentence Encoders" (CC BY 4.0).
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { OverlapIndex, Random } from '@regraft/methods'
import { parse } from 'csv-parse/sync'

export interface BankingRow {
  /** `train-17` is the 17th record of train.csv, the header not counted. */
  id: string
  text: string
  label: string
}

export interface Banking77 {
  train: BankingRow[]
  test: BankingRow[]
}

/** Rows per intent in the training subset: 77 x 11 = 847. */
const ROWS_PER_INTENT = 11

/** The seed of the subset that the published figures use. */
export const SUBSET_SEED = 77

/** Reads train.csv and test.csv (columns text, category) of a folder; default: `BANKING77`, else the shared data folder. */
export function readBanking77(folder = process.env.BANKING77 ?? '../shared/data/banking77'): Banking77 {
  return { train: readRows(folder, 'train'), test: readRows(folder, 'test') }
}

/**
 * Takes the 847 training rows that share nothing with the test rows.
 *
 * Training rows that `OverlapIndex` matches with a test row (equal, a shared 13-gram, or 70 % of its 8-grams: 90 of 10,003)
 * are left out first, as `datasets build` would do. Of each intent, in alphabetical order, the remaining rows in file order
 * are shuffled by one generator with the given seed, and the first 11 are kept. The result is in file order.
 */
export function selectSubset({ train, test }: Banking77, seed = SUBSET_SEED): BankingRow[] {
  const rungs = ['equal', 'shared-ngram', 'containment'] as const
  const screen = new OverlapIndex(
    test.map(({ text }) => text),
    { rungs },
  )
  const clean = train.filter((row) => screen.match(row.text).length === 0)
  const random = new Random(seed, 'banking77-subset')
  const kept = byIntent(clean).flatMap((rows) => random.shuffle(rows).slice(0, ROWS_PER_INTENT))
  return inOrderOf(train, kept)
}

/**
 * Splits the subset for tuning: of each intent 2 rows for validation, the others to fit on (154 and 693).
 * Chosen like the subset itself, by a stream of its own.
 */
export function splitForTuning(
  subset: readonly BankingRow[],
  seed = SUBSET_SEED,
): { fit: BankingRow[]; validation: BankingRow[] } {
  const random = new Random(seed, 'banking77-tuning')
  const validation = byIntent(subset).flatMap((rows) => random.shuffle(rows).slice(0, 2))
  const fit = subset.filter((row) => !validation.includes(row))
  return { fit, validation: inOrderOf(subset, validation) }
}

function readRows(folder: string, part: 'train' | 'test'): BankingRow[] {
  const path = join(folder, `${part}.csv`)
  const records = parse<{ text: string; category: string }>(readFileSync(path), { columns: true })
  return records.map((record, index) => ({
    id: `${part}-${index + 1}`,
    text: record.text,
    label: record.category,
  }))
}

function byIntent(rows: readonly BankingRow[]): BankingRow[][] {
  const intents = [...new Set(rows.map((row) => row.label))].sort()
  return intents.map((intent) => rows.filter((row) => row.label === intent))
}

function inOrderOf(all: readonly BankingRow[], chosen: readonly BankingRow[]): BankingRow[] {
  const wanted = new Set(chosen)
  return all.filter((row) => wanted.has(row))
}
