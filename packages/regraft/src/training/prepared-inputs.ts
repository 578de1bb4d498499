import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { JOB_FILES } from '@regraft/engine'
import { RegraftError } from '../errors/index.ts'
import type { Execution } from '../store/types.ts'

/**
 * What the preprocessing of a training made, as sha256 in hex: the lines of its job folder, and the tokens that the trainer
 * made of them. Recorded with the execution, so that a rebuild notices a step that changed without a new version.
 */
export interface PreparedInputs {
  lines: string
  tokens: string
}

/** Digest of the rows as a job folder holds them. */
export function digestOfLines(folder: string): string {
  const hash = createHash('sha256')
  for (const name of [JOB_FILES.train, JOB_FILES.validation]) {
    const path = join(folder, name)
    hash.update(`${name}\n`).update(existsSync(path) ? readFileSync(path) : '')
  }
  return hash.digest('hex')
}

/** What a training recorded of its preprocessing; null where it did not yet. */
export function preparedInputsOf({ environment }: Execution): PreparedInputs | null {
  const { prepared } = environment
  if (typeof prepared !== 'object' || prepared === null) return null
  if (!('lines' in prepared && 'tokens' in prepared)) return null
  const { lines, tokens } = prepared
  return typeof lines === 'string' && typeof tokens === 'string' ? { lines, tokens } : null
}

/** Throws 'digest-mismatch', naming the part, when preprocessing made something else of the same rows. */
export function requireSamePreprocessing(
  part: keyof PreparedInputs,
  expected: Partial<PreparedInputs> | undefined,
  now: string,
): void {
  const recorded = expected?.[part]
  if (recorded === undefined || recorded === now) return
  const what =
    part === 'lines'
      ? 'the rows become other training examples'
      : 'the examples become other tokens (tokenizer or chat template of the engine)'
  throw new RegraftError(
    'digest-mismatch',
    `the preprocessing changed: ${what}, recorded ${recorded.slice(0, 12)}, now ${now.slice(0, 12)}`,
    { hint: 'install the release that trained the adapter; its lock names the version' },
  )
}
