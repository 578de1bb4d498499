import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Hono } from 'hono'
import type { Config } from '../../config/index.ts'
import type { AnyOperation, Log, Principal, Services } from '../../operation/index.ts'
import type { ProjectStore } from '../../store/types.ts'

/** How a request came in: over the data directory's own socket, over TCP where no key is asked for, or where one is. */
export type Access = 'local' | 'open' | 'keyed'

/** What the app is told about a request beside it: how it came in and, over HTTP, Node's own objects. */
export interface Environment {
  access?: Access
  incoming?: IncomingMessage
  outgoing?: ServerResponse
}

/** The types of Hono apps here; the variables are set before any route is reached. */
export interface AppEnv {
  Variables: { principal: Principal; store: ProjectStore }
}

/** What the routes are built from. */
export interface AppOptions {
  store: { project(id: string): ProjectStore }
  config: Config
  operations: readonly AnyOperation[]
  protocols: readonly Protocol[]
  services: Services
  log: Log
}

/**
 * Routes written by hand beside the operations, for example OpenAI's `/v1`.
 *
 * They find the caller in `context.var.principal` (already authenticated) and the project in `context.var.store`, and
 * guard themselves with `requireScope`.
 */
export interface Protocol {
  path: string
  routes(options: Omit<AppOptions, 'protocols'>): Hono<AppEnv>
}
