import { fitBinaryLogistic } from '@regraft/methods'
import type { FeedbackPayload, FeedbackRow } from '../../store/types.ts'
import { answerOf } from '../answers.ts'
import type { RuleInput } from '../rules/index.ts'

/** Events that people who look at answers for us give: they say nothing of who gives feedback by himself. */
const ASKED: readonly FeedbackPayload['type'][] = ['label', 'judgement', 'comment']
/** Models that get a feature of their own; the rest share the base level †. */
const MODELS = 5
/** Answers with and without feedback below which nothing is estimated †. */
const LEAST = 20

/** Whether a user said anything of an answer. */
export function isGiven(feedback: readonly FeedbackRow[]): boolean {
  return feedback.some(({ payload: { type } }) => !ASKED.includes(type))
}

interface Observed {
  id: string
  given: boolean
  answer: number
  prompt: number
  candidates: number
  model: string
  subject: string | null
}

/** A model of which answers bear feedback. */
export interface ObservationModel {
  names: string[]
  rows: { id: string; features: number[]; given: boolean }[]
}

/** Collects what may decide whether an answer bears feedback: its length, the prompt's, the model, how active its user is. */
export class Observations {
  readonly #seen: Observed[] = []

  add({ inference, feedback }: RuleInput): void {
    const { payload, id, subject } = inference
    const answer = answerOf(inference)
    if (answer === null) return
    this.#seen.push({
      id,
      given: isGiven(feedback),
      answer: answer.length,
      prompt: payload.messages.reduce((sum, { content }) => sum + content.length, 0),
      candidates: payload.candidates?.length ?? 1,
      model: payload.adapter ?? payload.model ?? '',
      subject,
    })
  }

  /** Features with mean 0 and variance 1; features that never vary are left out. */
  model(): ObservationModel {
    const seen = this.#seen
    const perSubject = countBy(seen.flatMap(({ subject }) => subject ?? []))
    const perModel = [...countBy(seen.map(({ model }) => model))].sort(
      ([a, m], [b, n]) => n - m || (a < b ? -1 : 1),
    )
    const columns: [string, (row: Observed) => number][] = [
      ['answer length', ({ answer }) => Math.log1p(answer)],
      ['prompt length', ({ prompt }) => Math.log1p(prompt)],
      ['candidates', ({ candidates }) => candidates],
      ['activity of the user', ({ subject }) => (subject === null ? 0 : Math.log(perSubject.get(subject)!))],
      ...perModel
        .slice(1, 1 + MODELS)
        .map(([name]): [string, (row: Observed) => number] => [
          `model ${name}`,
          ({ model }) => (model === name ? 1 : 0),
        ]),
    ]
    const names: string[] = []
    const rows = seen.map(({ id, given }) => ({ id, given, features: [] as number[] }))
    for (const [name, measure] of columns) {
      const values = seen.map(measure)
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length
      const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)
      if (!(deviation > 1e-9)) continue
      names.push(name)
      for (const [i, value] of values.entries()) rows[i]!.features.push((value - mean) / deviation)
    }
    return { names, rows }
  }
}

/** Whether enough answers bear feedback, and enough do not, to say what it depends on. */
export function isEstimable({ names, rows }: ObservationModel): boolean {
  const given = rows.filter((row) => row.given).length
  return names.length > 0 && given >= LEAST && rows.length - given >= LEAST
}

/** Probability that an answer bears feedback, by inference; null where it cannot be estimated. */
export function estimatePropensities(model: ObservationModel): Map<string, number> | null {
  if (!isEstimable(model)) return null
  const { predict } = fitBinaryLogistic(
    model.rows.map(({ features }) => features),
    model.rows.map(({ given }) => given),
  )
  // Digits beyond these differ between processors and would make other rows of the same data.
  return new Map(model.rows.map(({ id, features }) => [id, Number(predict(features).toPrecision(4))]))
}

function countBy(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}
