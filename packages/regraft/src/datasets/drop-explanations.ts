import type { SignalDropReason } from '../signals/index.ts'

/** Why a row is not in a snapshot, in words. */
export const DROP_EXPLANATIONS = {
  'no-signal': 'nobody said whether the answer was right',
  'rejected-without-replacement': 'the answer was rejected and nobody gave a better one',
  'contradictory-signals': 'one person accepted the answer and another rejected it',
  'no-answer': 'there is no answer to learn',
  'no-alternative': 'nobody gave another answer to prefer to the one that was given',
  'same-answer': 'the answer that was given is the right one: there is no pair',
  'said-wrong': 'somebody called the answer wrong that would be learned',
  uncalibrated:
    'rests on a rule that has not been calibrated: `regraft signals calibrate`, or --uncalibrated',
  'below-threshold': 'rests on a rule that failed its calibration',
  'exact-duplicate': 'repeats another row once case and punctuation are dropped',
  'near-duplicate': 'is nearly the same as another row, with nearly the same answer',
  'held-out': 'is itself an item of the evaluation suite',
  'derived-from-evaluation': 'was made from an item of the evaluation suite, by its lineage',
  'same-entity': 'belongs to an end user or a conversation of the evaluation suite',
  'evaluation-overlap': 'repeats an item of the evaluation suite',
  'evaluation-paraphrase': 'says what an item of the evaluation suite says, in other words',
  'not-text': 'holds more than text (tool calls, images)',
  'personal-data': 'holds personal data',
  'cut-off': 'the adapter that was asked did not end its answer',
  'low-confidence': 'the adapter that was asked was not sure of its answer',
  'not-drawn': 'is older than --since or general, and was not drawn for the replay',
} satisfies Record<SignalDropReason, string> & Record<string, string>

export type DropReason = keyof typeof DROP_EXPLANATIONS
