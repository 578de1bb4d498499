import { z } from 'zod'
import { Config } from './schema.ts'

export { milliseconds } from './duration.ts'
export { explainConfig } from './explain.ts'
export { CONFIG_FILE } from './file.ts'
export { type LoadedConfig, type LoadOptions, loadConfig } from './load.ts'
export {
  DEFAULT_REQUIREMENTS,
  FORMS,
  Form,
  ParitySettings,
  Requirement,
  type RequirementSettings,
} from './requirements.ts'
export {
  JudgeScorer,
  OwnScorer,
  type OwnScorerSettings,
  PairwiseScorer,
  Scorer,
  type ScorerSettings,
  SuiteSettings,
} from './scorers.ts'
export { makeWorkFolder } from './work-folder.ts'
export { Config }

/** The JSON Schema (2020-12) of `regraft.yaml`, for editors. */
export function configJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(Config, { io: 'input' }) as Record<string, unknown>
}
