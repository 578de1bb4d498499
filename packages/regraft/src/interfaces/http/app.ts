import { Hono } from 'hono'
import { limitBody } from '../../capture/index.ts'
import { RegraftError } from '../../errors/index.ts'
import { describeError } from '../../operation/index.ts'
import { VERSION } from '../version.ts'
import { authenticate } from './authorize.ts'
import { blobRoutes } from './blob-routes.ts'
import type { AppEnv, AppOptions } from './context.ts'
import { jobRoutes } from './job-routes.ts'
import { openApiDocument } from './openapi.ts'
import { operationRoutes } from './operation-routes.ts'
import { operationPath } from './paths.ts'
import { respondError } from './respond.ts'

/** Bodies of operations are options, not data (files are uploaded as blobs), in bytes. */
const OPERATION_BODY_LIMIT = 4 * 1024 * 1024

/** Builds the HTTP app: operations, jobs, blobs, protocols and health, all of them derived or listed explicitly. */
export function createApp(options: AppOptions): Hono<AppEnv> {
  const app = new Hono<AppEnv>()
  app.onError((error, context) => {
    if (describeError(error).code === 'internal') options.log.error(error.message, { stack: error.stack })
    return respondError(context, error)
  })
  app.notFound((context) =>
    respondError(
      context,
      new RegraftError('not-found', `there is no route ${context.req.method} ${context.req.path}`, {
        hint: 'GET /api/openapi.json lists them',
      }),
    ),
  )

  app.get('/health', (context) => context.json({ status: 'ok', version: VERSION }))
  app.get('/ready', async (context) => {
    await options.store.project(options.config.project).jobs.list({ limit: 1 })
    return context.json({ status: 'ready' })
  })
  app.get('/api/openapi.json', (context) => context.json(openApiDocument(options.operations, VERSION)))

  app.use('*', authenticate(options))
  const limit = limitBody(OPERATION_BODY_LIMIT)
  for (const operation of options.operations) app.use(operationPath(operation), limit)
  app.route('/', operationRoutes(options))
  app.route('/', jobRoutes(options))
  app.route('/', blobRoutes(options.config))
  for (const protocol of options.protocols) app.route(protocol.path, protocol.routes(options))
  return app
}
