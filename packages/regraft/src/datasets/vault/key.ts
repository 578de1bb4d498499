import { hash } from 'node:crypto'
import type { KeyName } from '../../store/types.ts'

const PLAIN = /^[a-z0-9][a-z0-9-]{0,99}$/

/** The key of a suite's items. Names that cannot be a key's (a task may be called anything) are digested. */
export function vaultKey(suite: string): KeyName {
  return PLAIN.test(suite) ? `vault/${suite}` : `vault/suite-${hash('sha256', suite).slice(0, 32)}`
}
