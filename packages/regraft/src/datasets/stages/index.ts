import { derivedFromEvaluation } from './derived-from-evaluation.ts'
import { duplicates } from './duplicates.ts'
import { firewall } from './firewall.ts'
import { heldOut } from './held-out.ts'
import { paraphrases } from './paraphrases.ts'
import { personalData } from './personal-data.ts'
import { sameEntity } from './same-entity.ts'
import type { ScreenContext, Stage } from './stage.ts'
import { textOnly } from './text-only.ts'
import { weigh } from './weigh.ts'

export type { Build, ScreenContext, Stage } from './stage.ts'

/** What keeps rows and the items of evaluation suites apart, in this order. */
export const FIREWALL: readonly Stage<ScreenContext>[] = [
  heldOut,
  derivedFromEvaluation,
  sameEntity,
  firewall,
  paraphrases,
]

/** What a row passes on its way into a snapshot, in this order: what stands for a duplicate must itself stay in. */
export const STAGES: readonly Stage[] = [textOnly, ...FIREWALL, duplicates, personalData, weigh]
