import { chrF, rougeL } from '@regraft/methods'
import type { ScoreAnswer, SettingsOf } from './scorer.ts'

/** How much of its wording an answer shares with the expected one: chrF or ROUGE-L. It says nothing of what is meant. */
export function referenceSimilarity({ measure }: SettingsOf<'reference-similarity'>): ScoreAnswer {
  const similarity = { chrf: chrF, 'rouge-l': rougeL }[measure]
  return (answer, { expected }) => Math.min(1, similarity(answer, expected))
}
