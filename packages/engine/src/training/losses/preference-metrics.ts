import { mean } from './mean.ts'

/** Mean rewards of chosen and rejected answers, their margin, and the share of pairs that are ranked right. */
export function preferenceMetrics(rewards: readonly { chosen: number; rejected: number }[]) {
  return {
    rewardChosen: mean(rewards, ({ chosen }) => chosen),
    rewardRejected: mean(rewards, ({ rejected }) => rejected),
    rewardMargin: mean(rewards, ({ chosen, rejected }) => chosen - rejected),
    rewardAccuracy: mean(rewards, ({ chosen, rejected }) => (chosen > rejected ? 1 : 0)),
  }
}
