import { capitalAfter } from './betting.ts'
import { checkOneSided } from './decision.ts'
import { pairedRegion, regionProbability } from './paired-region.ts'
import { checkDesign, type NonInferiorityDesign } from './sample-size.ts'

/**
 * Gives the number of paired items at which a single look at `sequentialNonInferiority` passes with the wanted power; with a
 * margin of 0 that of `sequentialSuperiority`. Looks on the way only add chances to pass, so with them the power is higher: plan
 * with this number, and expect to stop at less.
 *
 * The power is summed exactly over the outcomes. At 10 % discordance it is 2.4 to 2.6 times the items of the test that looks once.
 * Throws a RangeError when the true difference does not lie above -margin.
 */
export function itemsForSequential(design: NonInferiorityDesign): number {
  const { margin, discordance, alpha = 0.05, power = 0.8, difference = 0 } = design
  if (!(margin >= 0 && margin < 1)) throw new RangeError(`The margin must lie from 0 to 1, got ${margin}.`)
  checkOneSided(alpha)
  checkDesign(discordance, difference, alpha, power)
  if (difference <= -margin) {
    throw new RangeError(
      `A true difference of ${difference} is not above the limit of ${-margin}: no number settles it.`,
    )
  }
  const enough = (n: number) => {
    const region = pairedRegion(n, (onlyA, onlyB) => {
      const levels = [
        { value: 1, times: onlyA },
        { value: -1, times: onlyB },
        { value: 0, times: n - onlyA - onlyB },
      ]
      return capitalAfter(levels, -margin, -1) >= 1 / alpha
    })
    return regionProbability(region, difference, discordance) >= power
  }
  let high = 16
  while (!enough(high)) high *= 2
  let low = high / 2
  // To a hundredth: the power is not smooth in single items.
  while (high - low > Math.max(1, high / 200)) {
    const middle = Math.round((low + high) / 2)
    if (enough(middle)) high = middle
    else low = middle
  }
  return high
}
