import { Random } from '@regraft/methods'

export interface Replay {
  /** Share of the training rows that are older rows of the task. */
  past: number
  /** Share of the training rows that are rows of the general task. */
  general: number
}

/**
 * Draws the replay of a snapshot: so many older and general rows that each has its share of all training rows. Replaying
 * a few of them keeps an adapter from forgetting what it no longer meets (Rolnick et al. 2019, "Experience Replay for
 * Continual Learning"). What is wanted and not there makes the share smaller, which the manifest says.
 *
 * `fresh` is the number of new training rows. Throws a RangeError unless the shares are at least 0 and below 1 together.
 */
export function drawReplay<Row>(
  rows: { fresh: number; past: readonly Row[]; general: readonly Row[] },
  options: Replay & { seed: number },
): { past: Row[]; general: Row[]; left: Row[] } {
  const { past, general, seed } = options
  if (past < 0 || general < 0 || past + general >= 1) {
    throw new RangeError(
      `The shares of a replay must be at least 0 and below 1 together: ${past}, ${general}.`,
    )
  }
  const total = rows.fresh / (1 - past - general)
  const draw = (from: readonly Row[], share: number, name: string) => {
    const order = new Random(seed, `replay ${name}`).shuffle([...from.keys()])
    const taken = new Set(order.slice(0, Math.round(total * share)))
    return Object.groupBy(from.entries(), ([index]) => (taken.has(index) ? 'taken' : 'left'))
  }
  const parts = { past: draw(rows.past, past, 'past'), general: draw(rows.general, general, 'general') }
  const values = (entries: [number, Row][] = []) => entries.map(([, row]) => row)
  return {
    past: values(parts.past.taken),
    general: values(parts.general.taken),
    left: [...values(parts.past.left), ...values(parts.general.left)],
  }
}
