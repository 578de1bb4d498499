import { demo } from './demo.ts'
import { init } from './init.ts'
import { configSchema, openapi } from './print-schemas.ts'
import { hold, servingUp } from './serve.ts'
import type { LocalCommand } from './types.ts'

/** The commands that are about this machine; everything else is an operation. */
export const localCommands: readonly LocalCommand[] = [demo, init, configSchema, openapi, servingUp, hold]
