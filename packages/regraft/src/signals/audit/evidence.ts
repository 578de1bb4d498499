import { answerOf, candidateOf } from '../answers.ts'
import { knownAnswers } from '../calibration/judged.ts'
import type { RuleInput } from '../rules/index.ts'
import type { Signal } from '../signal.ts'
import { isGiven, Observations } from '../weights/observations.ts'

/** What the audits look at, collected from one pass over the traffic. */
export class AuditEvidence {
  /** Lengths of two answers of which one was preferred, in characters; `written` where somebody wrote the preferred one. */
  readonly pairs: { chosen: number; rejected: number; written: boolean }[] = []
  /** Votes on answers whose positions were logged: whether the first one won. */
  readonly firstWon: boolean[] = []
  /** Signals by user. */
  readonly users = new Map<string, number>()
  readonly observations = new Observations()
  /** Judged answers: right or wrong, and whether they bear feedback of a user. */
  readonly judged: { right: boolean; given: boolean }[] = []
  readonly #goldWords: number

  constructor(goldWords: number) {
    this.#goldWords = goldWords
  }

  add(input: RuleInput, signals: readonly Signal[], isJudged: boolean): void {
    const { inference, feedback } = input
    this.observations.add(input)
    for (const { claim, feedback: events, rule } of signals) {
      const user = inference.subject ?? events[0]?.payload.author
      if (user) this.users.set(user, (this.users.get(user) ?? 0) + 1)
      if (claim.form === 'rating' || rule === 'label' || !claim.rejected) continue
      const [chosen, rejected] = [claim.chosen.length, claim.rejected.length]
      if (chosen > 0) this.pairs.push({ chosen, rejected, written: claim.form === 'replacement' })
    }
    for (const row of feedback) {
      const { payload } = row
      if (payload.type !== 'vote' || payload.value === 'tie' || payload.position === undefined) continue
      if (payload.position > 1 || answerOf(inference, candidateOf(row)) === null) continue
      this.firstWon.push((payload.value === 'win') === (payload.position === 0))
    }
    if (!isJudged) return
    for (const [, { truth }] of knownAnswers(input, signals, this.#goldWords).candidates) {
      if (truth !== 'unwelcome') this.judged.push({ right: truth === 'right', given: isGiven(feedback) })
    }
  }
}
