import type { Audit } from './define.ts'
import { lengthOfCompared, lengthOfWritten } from './length.ts'
import { missingNotAtRandom, observation } from './missing.ts'
import { position } from './position.ts'
import { heavyUsers } from './users.ts'

/** Every audit of the signals, in the order of the report. */
export const AUDITS: readonly Audit[] = [
  lengthOfCompared,
  lengthOfWritten,
  position,
  heavyUsers,
  observation,
  missingNotAtRandom,
]
