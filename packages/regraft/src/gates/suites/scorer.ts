import { createContext, Script } from 'node:vm'
import type { ScorerSettings } from '../../config/index.ts'
import type { OpenItem } from '../../datasets/index.ts'
import { RegraftError } from '../../errors/index.ts'

/** Scores an answer, 0 to 1. */
export type ScoreAnswer = (answer: string, item: Pick<OpenItem, 'expected'>) => number

export type SettingsOf<Kind extends ScorerSettings['kind']> = Extract<ScorerSettings, { kind: Kind }>

/** For one answer, in milliseconds. An expression that backtracks for hours must not take the process with it. */
const TIME_LIMIT = 1000
const SCRIPT = new Script('run()')
const CONTEXT = createContext({ run: null })

/** Runs what an expression of the configuration does to an answer. Throws 'invalid-config' when it takes too long. */
export function withinTime<Result>(what: string, run: () => Result): Result {
  try {
    CONTEXT.run = run
    return SCRIPT.runInContext(CONTEXT, { timeout: TIME_LIMIT }) as Result
  } catch (error) {
    // Not an Error of this realm.
    if ((error as { code?: unknown } | null)?.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
    throw new RegraftError('invalid-config', `${what} takes longer than ${TIME_LIMIT} ms for one answer`, {
      hint: 'write the expression so that it cannot match the same text in many ways: (a+)+ does, a+ does not',
      cause: error,
    })
  }
}
