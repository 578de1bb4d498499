import type { ScorerSettings } from '../../config/index.ts'
import type { OpenItem } from '../../datasets/index.ts'
import { labelMatch } from './label-match.ts'

/** Scores an answer, 0 to 1. */
export type ScoreAnswer = (answer: string, item: OpenItem) => number

type SettingsOf<Kind> = Extract<ScorerSettings, { kind: Kind }>

/** Scorers that need nothing but the answer and the item: one line and one file each. */
const ANSWER_SCORERS: { [Kind in ScorerSettings['kind']]: (settings: SettingsOf<Kind>) => ScoreAnswer } = {
  'label-match': () => labelMatch,
}

export function answerScorer(settings: ScorerSettings): ScoreAnswer {
  return ANSWER_SCORERS[settings.kind](settings)
}

/** From which score on an answer counts as right. */
export function correctFrom(_settings: ScorerSettings): number {
  return 1
}
