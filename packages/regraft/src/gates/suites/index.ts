import type { ScorerSettings } from '../../config/index.ts'
import { jsonSchema } from './json-schema.ts'
import { labelMatch } from './label-match.ts'
import { numeric } from './numeric.ts'
import { referenceSimilarity } from './reference-similarity.ts'
import { regex } from './regex.ts'
import type { ScoreAnswer, SettingsOf } from './scorer.ts'

export { multipleChoice } from './multiple-choice.ts'

/** Kinds that need nothing but an answer and its item. The others ask the model for more (a choice), or a judge. */
export type AnswerScorer = Exclude<ScorerSettings, JudgedScorer | { kind: 'multiple-choice' }>
type JudgedScorer = SettingsOf<'judge' | 'pairwise'>

/** Whether another model must be asked what answers are worth. */
export function isJudged(settings: ScorerSettings): settings is JudgedScorer {
  return settings.kind === 'judge' || settings.kind === 'pairwise'
}

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
