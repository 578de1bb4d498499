import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import { RegraftError } from '../../errors/index.ts'
import { hasEnded, viewJob } from '../../jobs/index.ts'
import type { ProjectStore } from '../../store/types.ts'
import { requireScope } from './authorize.ts'
import type { AppEnv, AppOptions } from './context.ts'

/** Comments that keep proxies from closing a quiet stream, in milliseconds. */
const KEEP_ALIVE = 15_000

/** A job, its events as server-sent events (resuming after Last-Event-ID), and its cancellation. */
export function jobRoutes({ services }: AppOptions): Hono<AppEnv> {
  const routes = new Hono<AppEnv>()

  routes.get('/api/jobs/:id', requireScope('read'), async (context) =>
    context.json(viewJob(await requireJob(context.var.store, context.req.param('id')))),
  )

  routes.post('/api/jobs/:id/cancel', requireScope('write'), async (context) =>
    context.json(viewJob(await services.jobs.cancel(context.var.store, context.req.param('id')))),
  )

  routes.get('/api/jobs/:id/events', requireScope('read'), async (context) => {
    const { store } = context.var
    const { id } = await requireJob(store, context.req.param('id'))
    const after = Number(context.req.header('last-event-id') ?? 0)
    return streamSSE(context, async (stream) => {
      const controller = new AbortController()
      stream.onAbort(() => controller.abort())
      const keepAlive = setInterval(() => void stream.write(': keep-alive\n\n'), KEEP_ALIVE)
      try {
        const from = Number.isInteger(after) && after > 0 ? after : 0
        for await (const { seq, event } of services.jobs.follow(store, id, from, controller.signal)) {
          const { type, ...data } = event as { type: string }
          await stream.writeSSE({ id: String(seq), event: type, data: JSON.stringify(data) })
        }
        if (controller.signal.aborted) return
        const job = await requireJob(store, id)
        // Without it this process is ending, and whoever follows asks the next one.
        if (hasEnded(job.state)) await stream.writeSSE({ event: 'end', data: JSON.stringify(viewJob(job)) })
      } finally {
        clearInterval(keepAlive)
      }
    })
  })
  return routes
}

async function requireJob(store: ProjectStore, id: string) {
  const job = await store.jobs.get(id)
  if (!job) throw new RegraftError('not-found', `there is no job ${id}`, { hint: 'regraft jobs list' })
  return job
}
