import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Random } from '@regraft/methods'
import { parse } from 'csv-parse/sync'
import { expect, test } from 'vitest'
import { expand } from './expand.ts'
import { ASIDES, CLOSINGS, OPENINGS, PHRASES, UPDATE_ISSUE } from './phrases.ts'
import { QUEUES } from './queues.ts'
import { jaccard, normalise, wordRuns } from './similarity.ts'
import { makeCustomer, phraseSlots } from './slots.ts'
import { generateEvaluation, generateHeldout, generateTraffic } from './traffic.ts'
import { writeSample } from './write.ts'

const OPTIONS = { seed: 1 }
const { rows, manifest } = generateTraffic(OPTIONS)
const evaluation = generateEvaluation(OPTIONS)
const heldout = generateHeldout(OPTIONS)
const textOf = new Map(rows.map((row) => [row.id, row.messages[1].content]))
const answerIsRight = (row: (typeof rows)[number]) => row.messages[2].content === manifest.truth[row.id]

test('every fragment of every bank expands without an open bracket or an unknown slot', () => {
  const random = new Random(3)
  const customer = makeCustomer(random, 0)
  const banks = [...Object.values(PHRASES), UPDATE_ISSUE].flatMap((phrases) => Object.values(phrases))
  for (const fragment of [...banks, ASIDES, OPENINGS, CLOSINGS].flat()) {
    for (let variant = 0; variant < 12; variant++) {
      const text = expand(fragment, random, phraseSlots(customer))
      expect(text).not.toMatch(/[[\]{}|]| {2}/)
      expect(text.length).toBeGreaterThan(1)
    }
  }
})

test('the traffic spans 60 days in order and goes to all twelve queues', () => {
  expect(rows).toHaveLength(2000)
  const times = rows.map((row) => Date.parse(row.created))
  expect(times).toEqual([...times].sort((a, b) => a - b))
  const days = (times.at(-1)! - times[0]!) / 86_400_000
  expect(days).toBeGreaterThan(58)
  expect(days).toBeLessThan(60)
  for (const queue of QUEUES) {
    const share = Object.values(manifest.truth).filter((truth) => truth === queue).length / rows.length
    expect(share).toBeGreaterThan(0.03)
    expect(share).toBeLessThan(0.15)
  }
})

test('tickets are short, and differ in length', () => {
  const lengths = rows.map((row) => row.messages[1].content.split(/\s+/).length).sort((a, b) => a - b)
  const quantile = (share: number) => lengths[Math.floor(share * (lengths.length - 1))]!
  expect(quantile(0.1)).toBeLessThan(8)
  expect(quantile(0.5)).toBeGreaterThan(13)
  expect(quantile(0.95)).toBeGreaterThan(27)
  expect(quantile(1)).toBeLessThan(60)
})

test('the previous model is right in about 73 %, less in the second half, and errs among related queues', () => {
  const share = (part: typeof rows) => part.filter(answerIsRight).length / part.length
  expect(share(rows)).toBeGreaterThan(0.7)
  expect(share(rows)).toBeLessThan(0.76)
  const issue = new Set(manifest.updateIssue)
  expect(issue.size).toBeGreaterThan(30)
  const middle = Date.parse(rows[0]!.created) + 29 * 86_400_000
  for (const row of rows.filter((row) => issue.has(row.id))) {
    expect(Date.parse(row.created)).toBeGreaterThan(middle)
  }
  expect(share(rows.filter((row) => issue.has(row.id)))).toBeLessThan(0.25)
})

test('most wrong answers are corrected, some corrections late and a few of them wrong', () => {
  const wrong = rows.filter((row) => !answerIsRight(row))
  const corrections = wrong.flatMap((row) =>
    row.feedback.flatMap((signal) => (signal.type === 'correction' ? [{ row, signal }] : [])),
  )
  expect(corrections.length / wrong.length).toBeGreaterThan(0.65)
  const mistaken = corrections.filter(({ row, signal }) => signal.value !== manifest.truth[row.id])
  expect(mistaken.length / corrections.length).toBeGreaterThan(0.01)
  expect(mistaken.length / corrections.length).toBeLessThan(0.05)
  for (const { row } of mistaken) expect(manifest.noisy).toContain(row.id)
  const hours = corrections.map(
    ({ row, signal }) => (Date.parse(signal.created) - Date.parse(row.created)) / 3_600_000,
  )
  expect(Math.min(...hours)).toBeGreaterThan(0)
  expect(hours.filter((delay) => delay > 24).length).toBeGreaterThan(20)
  expect(hours.filter((delay) => delay < 4).length).toBeGreaterThan(20)
  const types = new Set(rows.flatMap((row) => row.feedback.map((signal) => signal.type)))
  expect([...types].sort()).toEqual(['accept', 'comment', 'correction', 'edit', 'thumbs'])
  const silent = rows.filter((row) => row.feedback.length === 0).length / rows.length
  expect(silent).toBeGreaterThan(0.2)
  expect(silent).toBeLessThan(0.4)
})

test('3 to 4 % of the tickets are exact repeats with the same answer; others are repeated with changes', () => {
  expect(manifest.exactRepeats.length / rows.length).toBeGreaterThan(0.03)
  expect(manifest.exactRepeats.length / rows.length).toBeLessThan(0.04)
  const answers = new Map(rows.map((row) => [row.id, row.messages[2].content]))
  for (const { inference, of } of manifest.exactRepeats) {
    expect(textOf.get(inference)).toBe(textOf.get(of))
    expect(answers.get(inference)).toBe(answers.get(of))
  }
  const exact = new Set(manifest.exactRepeats.map((repeat) => repeat.inference))
  const texts = rows.filter((row) => !exact.has(row.id)).map((row) => row.messages[1].content)
  expect(texts.length - new Set(texts).size).toBeLessThan(8)
  for (const { inference, of } of manifest.nearRepeats) {
    expect(manifest.truth[inference]).toBe(manifest.truth[of])
  }
  expect(manifest.nearRepeats.length).toBeGreaterThan(40)
})

test('eight evaluation items are planted in later traffic, three retyped, each with a signal to train on', () => {
  expect(evaluation).toHaveLength(300)
  expect(manifest.planted).toHaveLength(8)
  expect(manifest.planted.filter((leak) => leak.changed)).toHaveLength(3)
  for (const { evaluation: item, inference, changed } of manifest.planted) {
    const sealed = evaluation.find((candidate) => candidate.id === item)!
    const row = rows.find((candidate) => candidate.id === inference)!
    expect(row.messages[1].content === sealed.text).toBe(!changed)
    expect(normalise(row.messages[1].content)).toBe(normalise(sealed.text))
    expect(Date.parse(row.created)).toBeGreaterThan(Date.parse(sealed.created))
    expect(row.feedback.some((signal) => signal.type === 'accept' || signal.type === 'correction')).toBe(true)
  }
})

test('nothing else of the traffic says what a sealed or held-out ticket says', () => {
  const planted = new Set(manifest.planted.map((leak) => leak.inference))
  const sealed = [...evaluation, ...heldout]
  const pairs = sealed.map((item) => wordRuns(item.text, 2))
  const eights = new Set(sealed.flatMap((item) => [...wordRuns(item.text, 8)]))
  for (const row of rows) {
    if (planted.has(row.id)) continue
    const text = row.messages[1].content
    expect([...wordRuns(text, 8)].filter((run) => eights.has(run))).toEqual([])
    const own = wordRuns(text, 2)
    expect(Math.max(...pairs.map((other) => jaccard(own, other)))).toBeLessThan(0.5)
  }
  expect(heldout).toHaveLength(10)
  const known = new Set(evaluation.map((item) => normalise(item.text)))
  expect(heldout.filter((item) => known.has(normalise(item.text)))).toEqual([])
})

test('the same seed writes the same bytes on every machine, another seed others', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'regraft-sample-'))
  try {
    await writeSample(folder, OPTIONS)
    const digests: Record<string, string> = {}
    for (const file of ['traffic.jsonl', 'evaluation.csv', 'heldout.jsonl']) {
      const bytes = await readFile(join(folder, file))
      digests[file] = createHash('sha256').update(bytes).digest('hex').slice(0, 16)
    }
    expect(digests).toMatchInlineSnapshot(`
      {
        "evaluation.csv": "459d33735247d76b",
        "heldout.jsonl": "1c0de113c4a755ad",
        "traffic.jsonl": "9812dd1a2ed382a1",
      }
    `)

    const records = parse(await readFile(join(folder, 'evaluation.csv')), { columns: true })
    expect(records).toEqual(evaluation.map(({ text, label }) => ({ text, label })))
    const lines = (await readFile(join(folder, 'traffic.jsonl'), 'utf8')).trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual(rows)
  } finally {
    await rm(folder, { recursive: true })
  }
  const other = generateTraffic({ seed: 2, count: 50 }).rows
  expect(other[0]!.messages[1].content).not.toBe(rows[0]!.messages[1].content)
})
