import type { OwnScorerSettings, ScorerSettings } from '../../config/index.ts'
import { jsonSchema } from './json-schema.ts'
import { labelMatch } from './label-match.ts'
import { numeric } from './numeric.ts'
import { referenceSimilarity } from './reference-similarity.ts'
import { regex } from './regex.ts'
import type { ScoreAnswer } from './scorer.ts'

export { multipleChoice } from './multiple-choice.ts'

/** Settings of a scorer that needs nothing but an answer and its item. Choosing asks the model for more, others a judge. */
export type AnswerScorer = Exclude<OwnScorerSettings, { kind: 'multiple-choice' }>

/** The function that scores answers as the settings say. Throws 'invalid-config' for settings that cannot be followed. */
export function answerScorer(settings: AnswerScorer): ScoreAnswer {
  switch (settings.kind) {
    case 'label-match':
      return labelMatch
    case 'regex':
      return regex(settings)
    case 'json-schema':
      return jsonSchema(settings)
    case 'numeric':
      return numeric(settings)
    case 'reference-similarity':
      return referenceSimilarity(settings)
  }
}

/** From which score on an answer counts as right. */
export function correctFrom(settings: ScorerSettings): number {
  return 'correctFrom' in settings ? settings.correctFrom : 1
}

/** A scorer and its options in words, for a verdict; long ones are cut off, the measurement has them whole. */
export function describeScorer({ kind, ...options }: ScorerSettings): string {
  const entries = Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1))
  const said = entries.map(([name, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    return `${name} ${text.length > LONGEST_OPTION ? `${text.slice(0, LONGEST_OPTION)}…` : text}`
  })
  return said.length === 0 ? kind : `${kind} (${said.join(', ')})`
}

const LONGEST_OPTION = 40
