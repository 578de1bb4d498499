// Paraphrased and translated leaks: how many of them an embedder finds, against how many legitimate rows it would drop.
//
//   node bench/leaks-paraphrase.ts [--folder .cache/all-MiniLM-L6-v2] [--endpoint http://127.0.0.1:8000/v1 --model name]
//
// Items are the 3,080 test rows of banking77. Leaks: bench/data/banking77-leaks.jsonl (120 questions reworded, paraphrased with
// other words, and translated, by a language model). Legitimate: the training rows whose word-bigram Jaccard with every test row is below 0.8.
// `--apart` asks an easier question: items and leaks of half of the 77 intents (seed 1), legitimate rows of the others.
// A row is found when its nearest item is at least `threshold` near. Thresholds are chosen on one half of the leaks' items
// and of the legitimate rows (seed 1) and reported on the other.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { CharTfidf, CosineIndex, jaccard, Random, shingler, wilsonInterval } from '@regraft/methods'
import { Config } from '../packages/regraft/src/config/index.ts'
import { screenParaphrases } from '../packages/regraft/src/datasets/paraphrase.ts'
import { SealedLedger } from '../packages/regraft/src/lineage/index.ts'
import { ResponseLedger } from '../packages/regraft/src/lineage/ledger.ts'
import { type EmbedderSource, requireEmbedder } from '../packages/regraft/src/models/index.ts'
import { openTestStore } from '../packages/regraft/src/store/testing.ts'
import { type BankingRow, readBanking77 } from './banking77-rows.ts'
import { describeMachine } from './measure.ts'

interface Leak {
  item: string
  /** Most words stay. */
  reworded: string
  paraphrase: string
  language: string
  translation: string
}

const NEAR_COPY = 0.8
/** Legitimate rows that are drawn (seed 1): an encoder needs its time for each. */
const LEGITIMATE = 3000
const FALSE_DROPS = [0.01, 0.02, 0.05]
/** Shares of legitimate rows that a threshold drops: the same axis for every embedder. */
const CURVE = [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7]

const { values, positionals } = parseArgs({
  options: {
    folder: { type: 'string' },
    endpoint: { type: 'string' },
    model: { type: 'string' },
    apart: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})
const data = readBanking77(positionals[0])
const itemIntents = intentsOfItems(data.test)
const test = data.test.filter(({ label }) => itemIntents.has(label))
const train = data.train.filter(({ label }) => !values.apart || !itemIntents.has(label))
const isItem = new Set(test.map(({ id }) => id))
const leaks = readFileSync(new URL('data/banking77-leaks.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Leak)
  .filter(({ item }) => isItem.has(item))
const copies = nearCopies(train, test)
const allLegitimate = train.filter(({ id }) => !copies.has(id))
const legitimate = new Random(1, 'legitimate')
  .shuffle([...allLegitimate])
  .slice(0, values.apart ? LEGITIMATE / 2 : LEGITIMATE)

console.log(describeMachine())
console.log(
  `${test.length} items; ${leaks.length} items leaked, each reworded, paraphrased and translated; ${allLegitimate.length} of ${train.length} training rows are legitimate (no word-bigram Jaccard of ${NEAR_COPY} or more), of which ${legitimate.length} are drawn`,
)
if (!values.apart) console.log(resemblanceOfTheIssue())

const store = await openTestStore()
try {
  const { folder, endpoint, model } = values
  const embedders = {
    ...(folder ? { folder: { path: folder } } : {}),
    ...(endpoint ? { endpoint: { url: endpoint, model } } : {}),
  }
  const config = Config.parse({ embedders })
  for (const name of ['built-in', ...Object.keys(embedders)])
    await report(await requireEmbedder(config, name))
} finally {
  await store.close()
}

async function report(embedder: EmbedderSource): Promise<void> {
  const project = store.project(embedder.name)
  const ledger = new SealedLedger(new ResponseLedger(project.responses), project.keys, 'vault/bench')
  /** Similarity of each text to its nearest item, and which one that is. */
  const nearest = async (texts: { id: string; text: string }[]) => {
    const { pairs, truncated } = await screenParaphrases({
      items: test,
      rows: texts.map(({ id, text }) => ({ id, texts: [text] })),
      threshold: -1,
      signal: new AbortController().signal,
      ...{ embedder, ledger },
    })
    const best = new Map<string, { similarity: number; item: string }>()
    for (const { row, similarity, item } of pairs) if (!best.has(row)) best.set(row, { similarity, item })
    return { truncated: truncated.rows, of: (id: string) => best.get(id)! }
  }
  const started = performance.now()
  const rows = await nearest(legitimate)
  const seconds = (performance.now() - started) / 1000
  const reworded = await nearest(leaks.map((leak) => ({ id: leak.item, text: leak.reworded })))
  const paraphrases = await nearest(leaks.map(({ item, paraphrase }) => ({ id: item, text: paraphrase })))
  const translations = await nearest(leaks.map(({ item, translation }) => ({ id: item, text: translation })))
  console.log(
    `\n### ${embedder.name} (${embedder.digest.slice(7, 19)}): ${test.length + legitimate.length} texts in ${seconds.toFixed(1)} s, ${rows.truncated} cut`,
  )
  const intents = new Map(test.map(({ id, label }) => [id, label]))
  const sameIntent = (found: typeof reworded) =>
    leaks.filter(({ item }) => intents.get(found.of(item).item) === intents.get(item)).length
  const own = (found: typeof paraphrases) => leaks.filter(({ item }) => found.of(item).item === item).length
  console.log(
    `nearest item is the one it was made from: ${own(reworded)} of ${leaks.length} reworded, ${own(paraphrases)} paraphrased, ${own(translations)} translated; it has its intent: ${sameIntent(reworded)}, ${sameIntent(paraphrases)}, ${sameIntent(translations)}`,
  )

  const [chosenOn, reportedOn] = halves(leaks)
  const [legitimateA, legitimateB] = halves(legitimate)
  const similarities = (found: typeof rows, of: readonly { id: string }[]) =>
    of.map(({ id }) => found.of(id).similarity)
  const items = (of: readonly Leak[]) => of.map(({ item }) => ({ id: item }))
  console.log(
    '\n| false drops wanted | threshold † | false drops | reworded found | paraphrases found | translations found |',
  )
  console.log('|---|---|---|---|---|---|')
  for (const wanted of FALSE_DROPS) {
    const threshold = smallestThreshold(similarities(rows, legitimateA), wanted)
    const cells = [
      share(similarities(rows, legitimateB), threshold),
      share(similarities(reworded, items(reportedOn)), threshold),
      share(similarities(paraphrases, items(reportedOn)), threshold),
      share(similarities(translations, items(reportedOn)), threshold),
    ]
    console.log(`| ${100 * wanted} % | ${threshold.toFixed(4)} | ${cells.join(' | ')} |`)
  }
  console.log(
    `(threshold from ${legitimateA.length} legitimate rows; reported on ${legitimateB.length}, and on the leaks of ${reportedOn.length} items; the other ${chosenOn.length} decided nothing but what this page recommends)`,
  )
  console.log(
    '\n| false drops | similarity from | reworded | paraphrases | translations | German | French | Spanish |',
  )
  console.log('|---|---|---|---|---|---|---|---|')
  for (const dropped of CURVE) {
    const threshold = smallestThreshold(similarities(rows, legitimate), dropped)
    const inLanguage = (code: string) => leaks.filter(({ language }) => language === code)
    const cells = [
      share(similarities(reworded, items(leaks)), threshold),
      share(similarities(paraphrases, items(leaks)), threshold),
      share(similarities(translations, items(leaks)), threshold),
      ...['de', 'fr', 'es'].map((code) =>
        count(similarities(translations, items(inLanguage(code))), threshold),
      ),
    ]
    console.log(`| ${100 * dropped} % | ${threshold.toFixed(4)} | ${cells.join(' | ')} |`)
  }
}

/** All intents, or with `--apart` the first half of them in a shuffled order. */
function intentsOfItems(rows: readonly BankingRow[]): Set<string> {
  const intents = [...new Set(rows.map(({ label }) => label))].sort()
  const shuffled = new Random(1, 'intents').shuffle(intents)
  return new Set(values.apart ? shuffled.slice(0, Math.ceil(intents.length / 2)) : intents)
}

/** Ids of training rows that are equal to a test row or near copies of one: no legitimate rows, whatever the reason. */
function nearCopies(rows: readonly BankingRow[], others: readonly BankingRow[]): Set<string> {
  const shingled = shingler()
  const items = others.map(({ text }) => shingled(text))
  const isNear = (text: string) => {
    const one = shingled(text)
    return items.some((item) => item.key === one.key || jaccard(item.shingles, one.shingles) >= NEAR_COPY)
  }
  return new Set(rows.filter(({ text }) => isNear(text)).map(({ id }) => id))
}

/** The issue's own figure: training rows with a character-TF-IDF cosine of 0.8 or more to a test row. */
function resemblanceOfTheIssue(): string {
  const shares = [train, test].map((fitted) => {
    const features = new CharTfidf(
      fitted.map(({ text }) => text),
      { acrossWords: true },
    )
    const rowsOf = (rows: readonly BankingRow[]) => {
      return { kind: 'sparse' as const, rows: rows.map(({ text }) => features.transform(text)) }
    }
    const near = new CosineIndex(rowsOf(test)).nearest(rowsOf(train))
    return `${percent(near.filter(([best]) => best!.similarity >= 0.8).length / train.length)}`
  })
  return `plain character TF-IDF (n-grams of 2 to 5), cosine 0.8 or more: ${shares[0]} of all training rows resemble a test row with features of the training rows, ${shares[1]} with those of the test rows`
}

/** The smallest threshold at which no more than the wanted share of legitimate rows is dropped. */
function smallestThreshold(similarities: readonly number[], wanted: number): number {
  const sorted = similarities.toSorted((a, b) => b - a)
  const allowed = Math.floor(wanted * sorted.length)
  return Math.round((sorted[allowed]! + 1e-4) * 1e4) / 1e4
}

function share(similarities: readonly number[], threshold: number): string {
  const found = similarities.filter((similarity) => similarity >= threshold).length
  const { estimate, low, high } = wilsonInterval(found, similarities.length)
  return `${percent(estimate)} (${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)})`
}

function count(similarities: readonly number[], threshold: number): string {
  return `${similarities.filter((similarity) => similarity >= threshold).length} of ${similarities.length}`
}

function halves<Row>(rows: readonly Row[]): [Row[], Row[]] {
  const shuffled = new Random(1, 'leaks-paraphrase').shuffle([...rows])
  const half = Math.floor(rows.length / 2)
  return [shuffled.slice(0, half), shuffled.slice(half)]
}

function percent(value: number): string {
  return `${(100 * value).toFixed(1)} %`
}
