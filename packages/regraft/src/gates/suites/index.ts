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
