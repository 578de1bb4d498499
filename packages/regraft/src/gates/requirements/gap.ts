import { RegraftError } from '../../errors/index.ts'
import { spentAlpha } from '../comparison.ts'
import { decideGap } from '../decide-gap.ts'
import type { Need, RequirementKind, SettingsOf } from './requirement.ts'

/** Does as well on the fresh suite of its snapshot as on the frozen one: see `gates gap`. */
export const gap: RequirementKind<SettingsOf<'gap'>> = {
  needs(_settings, { suite, fresh }) {
    return [suite, requireFresh(fresh)].map(
      (name): Need => ({ measure: 'scores', model: 'candidate', suite: name }),
    )
  },
  decide({ margin }, evidence, rules) {
    const { suite, fresh } = evidence.scope
    const [frozen, newest] = [suite, requireFresh(fresh)].map((name) => {
      const { value, digest } = evidence.scores('candidate', name)
      return {
        name: `suite ${name}`,
        correct: value.items.map(({ correct }) => correct),
        measurement: digest,
      }
    })
    return decideGap(frozen!, newest!, { margin: margin ?? rules.gap, alpha: spentAlpha(rules) })
  },
}

function requireFresh(fresh: string | null): string {
  if (fresh !== null) return fresh
  throw new RegraftError('incompatible', 'the gate requires a fresh suite, and the adapter has none', {
    hint: 'regraft datasets build --fresh 0.1, then train again; or take gap out of gates.requirements',
  })
}
