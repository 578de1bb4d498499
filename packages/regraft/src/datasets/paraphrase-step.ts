import { normalizeText, words } from '@regraft/methods'
import { z } from 'zod'
import { defineStep, SealedLedger, type Selection, type Step, type StepRun } from '../lineage/index.ts'
import type { EmbedderSource } from '../models/index.ts'
import { compileRows, EXAMPLE_KINDS, UNCALIBRATED } from '../signals/index.ts'
import type { KeyName } from '../store/types.ts'
import type { Candidate } from './candidates.ts'
import { answersOf, comparedText } from './duplicates.ts'
import type { SnapshotManifest } from './manifest.ts'
import {
  type ComparedRow,
  type ItemText,
  type ParaphraseFindings,
  rowsToDrop,
  screenParaphrases,
} from './paraphrase.ts'
import { JUDGE_PROMPT, type JudgeSettings, openJudge, VERDICTS } from './paraphrase-judge.ts'
import { STOCK_ANSWER } from './screen-rows.ts'
import { readLearnedRows } from './snapshot-rows.ts'
import { type OpenItem, type VaultAccess, VaultVisit } from './vault/index.ts'

/** What is kept of embedding endpoints and judges is sealed under this key; destroying it forgets all of it. */
export const ANSWERS_KEY: KeyName = 'vault/answers-from-outside'

/** Rows that a build leaves out for their signal are compared too: what it takes changes more often than the rows do. */
const ANY_SIGNAL = { ...UNCALIBRATED, allowUncalibrated: true }

/** Shorter answers (a label, yes or no) equal those of items by right. */
const ANSWER_WORDS = 8

const ParaphraseParameters = z.object({
  task: z.string().nullable(),
  generalTask: z.string().nullable(),
  kind: z.enum(EXAMPLE_KINDS),
  /** Digest of the embedder, see `EmbedderSource`. */
  embedder: z.object({ name: z.string(), kind: z.string(), digest: z.string() }),
  threshold: z.number(),
  judge: z.object({ url: z.string(), model: z.string(), prompt: z.string() }).nullable(),
})
export type ParaphraseParameters = z.output<typeof ParaphraseParameters>

/** The content of a measurement of paraphrases. */
export interface ParaphraseMeasurement extends ParaphraseFindings {
  measures: 'paraphrases'
  suite: string
  embedder: ParaphraseParameters['embedder']
  threshold: number
  judge: ParaphraseParameters['judge']
}

/** How a call of the step is answered; the digests of both are in its parameters. */
export interface ParaphraseTools {
  embedder: EmbedderSource
  judge: JudgeSettings | null
  access: VaultAccess
}

/** Parameters that name the tools. */
export function describeTools({ embedder, judge }: Omit<ParaphraseTools, 'access'>) {
  const { name, kind, digest } = embedder
  return {
    embedder: { name, kind, digest },
    judge: judge && { url: judge.url, model: judge.model, prompt: JUDGE_PROMPT },
  }
}

/**
 * Measures inside the vault which rows resemble which items of a suite: rows of selected traffic (inputs `inferences` and
 * `feedback`), or those of a `snapshot` that is there already. `pure` where everything runs here; `external` where an endpoint
 * embeds or a model judges.
 */
export function measureParaphrases(tools: ParaphraseTools): Step<ParaphraseParameters> {
  const run = (call: StepRun<ParaphraseParameters>) => measure(call, tools)
  if (tools.embedder.external || tools.judge) {
    return defineStep({
      name: 'datasets/ask-for-paraphrases',
      version: 1,
      determinism: 'external',
      input: ParaphraseParameters,
      run,
    })
  }
  return defineStep({
    name: 'datasets/find-paraphrases',
    version: 1,
    determinism: 'pure',
    input: ParaphraseParameters,
    run,
  })
}

async function measure(call: StepRun<ParaphraseParameters>, tools: ParaphraseTools) {
  const { parameters, inputs, project, signal, report } = call
  const { threshold } = parameters
  const vault = new VaultVisit(project, tools.access, 'screen')
  const suite = await vault.suite(inputs.find(({ role }) => role === 'suite')!.digest)
  const heldOut = new Set(suite.items.flatMap((item) => item.inferences))
  const all = inputs.some(({ role }) => role === 'snapshot') ? await readLearned(call) : await compile(call)
  const candidates = all.filter(({ inference }) => !heldOut.has(inference.id))
  const ledger = new SealedLedger(call.ledger, project.keys, ANSWERS_KEY)
  const { embedder, judge } = parameters
  const outside = tools.embedder.external || judge !== null
  const log = (failed: boolean) =>
    vault.log({ step: 'paraphrases', embedder: embedder.name, outside, ...(failed ? { failed } : {}) })
  let findings: ParaphraseFindings
  try {
    findings = await vault.inside(
      suite,
      async (items) => {
        const result = await screenParaphrases({
          items: itemTexts(items),
          rows: comparedRows(candidates),
          embedder: tools.embedder,
          threshold,
          ...(tools.judge ? { judge: openJudge(tools.judge, ledger, signal) } : {}),
          ...{ ledger, signal, report },
        })
        return { result, rows: result.rows, hits: rowsToDrop(result.pairs).size }
      },
      VERDICTS,
    )
  } catch (error) {
    // Text of items may have left the house before it failed: that is never without a line in the log.
    if (outside) await log(true)
    throw error
  }
  await log(false)
  const value: ParaphraseMeasurement = {
    measures: 'paraphrases',
    suite: suite.digest,
    ...{ embedder, threshold, judge },
    ...findings,
  }
  return [{ role: 'paraphrases', kind: 'measurement' as const, schemaVersion: 1, value }]
}

/** Each row of the selected traffic that a build might take. */
async function compile({ parameters, read, project }: StepRun<ParaphraseParameters>): Promise<Candidate[]> {
  const { task, generalTask, kind } = parameters
  const selections = {
    inferences: await read<Selection>('inferences'),
    feedback: await read<Selection>('feedback'),
  }
  const candidates = new Map<string, Candidate>()
  for (const one of generalTask === null ? [task] : [task, generalTask]) {
    const rows: Candidate[] = await compileRows(project, selections, { task: one, kind, policy: ANY_SIGNAL })
    for (const row of rows) candidates.set(row.inference.id, row)
  }
  return [...candidates.values()]
}

async function readLearned({ read, project }: StepRun<ParaphraseParameters>): Promise<Candidate[]> {
  const { rows, unmasked } = await readLearnedRows(project, await read<SnapshotManifest>('snapshot'))
  return [...rows, ...unmasked]
}

/** The question of each item, and its answer where that is more than a label and no other question has it. */
function itemTexts(items: readonly OpenItem[]): ItemText[] {
  const asked = new Map<string, Set<string>>()
  for (const { messages, expected } of items) {
    const questions = asked.get(normalizeText(expected)) ?? new Set()
    asked.set(normalizeText(expected), questions.add(normalizeText(comparedText(messages))))
  }
  return items.flatMap(({ id, messages, expected }) => {
    const answers = asked.get(normalizeText(expected))!.size === 1 ? longAnswers([expected]) : []
    return [comparedText(messages), ...answers].map((text) => ({ id, text }))
  })
}

/** Prompts, and answers that are more than a label or a stock phrase: an item may expect those by right. */
function comparedRows(rows: readonly Candidate[]): ComparedRow[] {
  const answers = rows.map((row) => longAnswers(answersOf(row)))
  const givenBy = new Map<string, number>()
  for (const key of answers.flatMap((of) => [...new Set(of.map(normalizeText))]))
    givenBy.set(key, (givenBy.get(key) ?? 0) + 1)
  return rows.map(({ inference, messages }, index) => ({
    id: inference.id,
    texts: [
      comparedText(messages ?? inference.payload.messages),
      ...answers[index]!.filter((answer) => givenBy.get(normalizeText(answer))! < STOCK_ANSWER),
    ],
  }))
}

function longAnswers(answers: readonly string[]): string[] {
  return answers.filter((answer) => words(answer).length >= ANSWER_WORDS)
}
