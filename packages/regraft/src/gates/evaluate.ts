import { z } from 'zod'
import { Form, OwnScorer } from '../config/index.ts'
import { itemFacts, type OpenItem } from '../datasets/index.ts'
import { RegraftError } from '../errors/index.ts'
import { defineStep, type Step, type StepRun } from '../lineage/index.ts'
import { traitsOf } from '../models/index.ts'
import {
  answerItems,
  type EvaluateOptions,
  fourPlaces,
  type OpenedSuite,
  openSuite,
  Without,
} from './ask-suite.ts'
import type { MeasuredItem, SuiteAnswers, SuiteMeasurement } from './measurement.ts'
import { type AnswerScorer, answerScorer, correctFrom, multipleChoice } from './suites/index.ts'

const Parameters = z.object({
  /** Null where nothing is generated. */
  maxTokens: z.int().min(1).nullable(),
  /** Null for answers that a judge is asked about: they depend on no rubric. */
  scorer: OwnScorer.nullable().prefault({ kind: 'label-match' }),
  without: Without,
  /** How the adapter is put to use; absent: at run time, on weights as they are stored. */
  form: Form.optional(),
})
type Parameters = z.output<typeof Parameters>

/**
 * The step that lets a model answer a suite greedily, or choose, and scores it; without a scorer it keeps the answers
 * (`SuiteAnswers`), for the step that asks a judge. Inputs: suite, base and, for an adapter, adapter.
 */
export function evaluateSuite(options: EvaluateOptions): Step<Parameters> {
  return defineStep({
    name: 'gates/evaluate-suite',
    version: 3,
    determinism: 'pure',
    input: Parameters,
    async run(call) {
      const { maxTokens, scorer, without, form } = call.parameters
      if (scorer?.kind === 'multiple-choice') refuseRounded(form)
      const opened = await openSuite(call, options.access, without, form)
      const { vault, suite, model } = opened
      const about = { suite: suite.digest, ...model, maxTokens }
      let value: SuiteMeasurement | SuiteAnswers
      if (scorer === null) {
        const items = await answerItems(opened, call, { ...options, maxTokens })
        value = { measures: 'suite-answers', ...about, items }
      } else {
        const items =
          scorer.kind === 'multiple-choice'
            ? await chooseAnswers(call, options, opened, scorer)
            : await scoreAnswers(call, options, opened, scorer)
        value = { measures: 'suite-scores', ...about, scorer, items }
        vault.noteHits(suite, items.filter(({ correct }) => correct).length)
      }
      await vault.log({ ...model, ...(scorer ? { scorer: scorer.kind } : { measures: value.measures }) })
      return [{ role: 'measurement', kind: 'measurement', schemaVersion: 2, value }]
    },
  })
}

async function scoreAnswers(
  call: StepRun<Parameters>,
  options: EvaluateOptions,
  opened: OpenedSuite,
  scorer: AnswerScorer,
): Promise<MeasuredItem[]> {
  // Before the model answers: what is wrong with the settings is to be said at once.
  const scoreOf = answerScorer(scorer)
  const answered = await answerItems(opened, call, { ...options, maxTokens: call.parameters.maxTokens })
  return answered.map((item, index) => {
    const score = scoreOf(item.answer, opened.items[index]!)
    return { ...item, score, correct: score >= correctFrom(scorer) }
  })
}

/** Takes the most probable choice of each item. */
async function chooseAnswers(
  { project, signal }: StepRun<Parameters>,
  { engines, onProgress }: EvaluateOptions,
  { suite, items, model }: OpenedSuite,
  { normalise }: { normalise: boolean },
): Promise<MeasuredItem[]> {
  const choices = items.map((item) => choicesOf(item, suite.name))
  const completions = items.flatMap(({ messages }, index) =>
    choices[index]!.map((completion) => ({ messages, completion })),
  )
  const scores = await engines.score(project, model, completions, {
    signal,
    ...(onProgress ? { onProgress } : {}),
  })
  const facts = itemFacts(suite)
  let start = 0
  return items.map(({ id, expected }, index) => {
    const of = choices[index]!
    const chosen = multipleChoice(scores.slice(start, start + of.length), { normalise })
    start += of.length
    const answer = of[chosen.index]!
    const score = answer === expected ? 1 : 0
    const confidence = { whole: fourPlaces(chosen.probability) }
    return { ...{ id, ...facts.get(id) }, answer, confidence, score, correct: score === 1 }
  })
}

function choicesOf({ id, choices }: OpenItem, suite: string): string[] {
  if (choices) return choices
  throw new RegraftError('incompatible', `the item ${id} of the suite '${suite}' has no choices`, {
    hint: `seal the file again with --choices <column>, or set another suites.${suite}.scorer`,
  })
}

function refuseRounded(form: Form | undefined): void {
  if (form === undefined || traitsOf(form).precision === 'f32') return
  throw new RegraftError('incompatible', `choices are compared in 32-bit floats: ${form} would not differ`, {
    hint: 'compare forms in fewer bits on a suite whose answers are generated',
  })
}
