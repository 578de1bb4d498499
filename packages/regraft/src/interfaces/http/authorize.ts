import type { Context, MiddlewareHandler } from 'hono'
import { createMiddleware } from 'hono/factory'
import { RegraftError } from '../../errors/index.ts'
import { checkScope, type Principal, SCOPES, type Scope } from '../../operation/index.ts'
import type { ProjectStore } from '../../store/types.ts'
import type { AppEnv, AppOptions, Environment } from './context.ts'

export const PROJECT_HEADER = 'x-regraft-project'

/** Finds out who calls and for which project; refuses a caller without a valid key where one is needed. */
export function authenticate(options: Pick<AppOptions, 'store' | 'config'>): MiddlewareHandler<AppEnv> {
  return createMiddleware<AppEnv>(async (context, next) => {
    const store = options.store.project(context.req.header(PROJECT_HEADER) ?? options.config.project)
    context.set('store', store)
    context.set('principal', await findPrincipal(context, store))
    await next()
  })
}

/** Refuses a caller whose key does not hold the scope. */
export function requireScope(scope: Scope): MiddlewareHandler<AppEnv> {
  return createMiddleware<AppEnv>(async (context, next) => {
    checkScope(context.var.principal, scope)
    await next()
  })
}

async function findPrincipal(context: Context<AppEnv>, store: ProjectStore): Promise<Principal> {
  const { access = 'keyed' } = (context.env ?? {}) as Environment
  if (access === 'local') return LOCAL
  if (access === 'open') {
    refuseForeignPages(context)
    return OPEN
  }
  const key = /^Bearer (\S+)$/i.exec(context.req.header('authorization') ?? '')?.[1]
  const record = key === undefined ? null : await store.apiKeys.verify(key)
  if (!record || record.revokedAt) {
    throw new RegraftError('unauthorized', key ? 'this API key is not valid' : 'an API key is needed', {
      hint: 'send the header Authorization: Bearer <key>; `regraft keys create <name>` makes one',
    })
  }
  return { id: record.id, scopes: SCOPES.filter((scope) => record.scopes.includes(scope)) }
}

const LOCAL: Principal = { id: 'local', scopes: ['admin'] }
/** May do all the same, but names no paths of this machine. */
const OPEN: Principal = { id: 'open', scopes: ['admin'] }

/**
 * Without a key, whoever reaches the port is trusted, and web pages in a local browser reach it too: they are known by
 * their Origin, or (DNS rebinding) by a Host that is not this machine's.
 */
function refuseForeignPages(context: Context<AppEnv>): void {
  const host = context.req.header('host') ?? ''
  const origin = context.req.header('origin')
  if (isLoopbackHost(host) && (origin === undefined || isLoopbackHost(origin.replace(/^https?:\/\//, ''))))
    return
  throw new RegraftError(
    'forbidden',
    'requests of other web sites are refused while no API key is asked for',
    {
      hint: 'set server.requireKey: true and send an API key',
    },
  )
}

/** Says whether a host name or address, with or without a port, is this machine's loopback. */
export function isLoopbackHost(host: string): boolean {
  const name = host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
  return name === 'localhost' || name === '::1' || /^127(\.\d{1,3}){3}$/.test(name)
}
