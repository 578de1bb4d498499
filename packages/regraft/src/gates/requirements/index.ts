import type { RequirementSettings } from '../../config/index.ts'
import { calibration } from './calibration.ts'
import { contamination } from './contamination.ts'
import { cost } from './cost.ts'
import { forgetting } from './forgetting.ts'
import { gap } from './gap.ts'
import { latency } from './latency.ts'
import { notInferior } from './not-inferior.ts'
import { parity } from './parity.ts'
import { overRefusal, refusal } from './refusal.ts'
import type { Draft, Evidence, GateScope, Need, RequirementKind, Rules, SettingsOf } from './requirement.ts'
import { superior } from './superior.ts'

export { addedItems } from './contamination.ts'
export { checkCritical } from './not-inferior.ts'
export {
  conjunction,
  type Draft,
  type Evidence,
  earlierRole,
  type GateScope,
  type ModelRole,
  type Need,
  pairItems,
  type Read,
  type Rules,
  roleOf,
  type SuiteNeed,
  scoredPairs,
  screeningOf,
  withRerun,
} from './requirement.ts'

/** What a gate may require: one line and one file each, and its settings in `config/requirements.ts`. */
const REQUIREMENTS: { [Kind in RequirementSettings['require']]: RequirementKind<SettingsOf<Kind>> } = {
  superior,
  'not-inferior': notInferior,
  forgetting,
  refusal,
  'over-refusal': overRefusal,
  calibration,
  latency,
  cost,
  contamination,
  gap,
  parity,
}

type Kind = RequirementSettings['require']
/** The settings of one of the kinds, tied to its name, so that the table below is called with what belongs to it. */
type Settings<Of extends Kind> = { [One in Of]: SettingsOf<One> & { require: One } }[Of]

/** The measurements that a requirement reads. */
export function needsOf<Of extends Kind>(settings: Settings<Of>, scope: GateScope): Need[] {
  const kind: RequirementKind<Settings<Of>> = REQUIREMENTS[settings.require]
  return kind.needs(settings, scope)
}

/** What a requirement says of the evidence; null when there is nothing to compare with yet. */
export function decideRequirement<Of extends Kind>(
  settings: Settings<Of>,
  evidence: Evidence,
  rules: Rules,
): Draft | null {
  const kind: RequirementKind<Settings<Of>> = REQUIREMENTS[settings.require]
  return kind.decide(settings, evidence, rules)
}
