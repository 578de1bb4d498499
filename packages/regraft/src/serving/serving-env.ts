import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Context } from 'hono'
import type { Journals } from '../capture/index.ts'
import type { Config } from '../config/index.ts'
import type { Log, Principal, Services } from '../operation/index.ts'
import type { ProjectStore } from '../store/types.ts'

export interface ServingEnv {
  Variables: { principal: Principal; store: ProjectStore }
}

/** Node's own request and response, where the request came over HTTP. */
export function nodeOf(context: Context<ServingEnv>): {
  incoming?: IncomingMessage
  outgoing?: ServerResponse
} {
  return context.env ?? {}
}

export interface ServingOptions {
  config: Config
  services: Services & { journals: Journals }
  log: Log
}
