import { type Context, Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import { RegraftError } from '../../errors/index.ts'
import { viewJob } from '../../jobs/index.ts'
import {
  type AnyOperation,
  checkScope,
  describeError,
  type OperationContext,
  type ProgressEvent,
  parseInput,
  runOperation,
} from '../../operation/index.ts'
import { describeFields, parseField } from '../fields.ts'
import type { AppEnv, AppOptions } from './context.ts'
import { CONFIRM_HEADER, hasGetRoute, operationPath } from './paths.ts'
import { readJsonObject } from './respond.ts'

/** The routes of all operations: POST with a JSON body, reads also GET with a query. */
export function operationRoutes(options: AppOptions): Hono<AppEnv> {
  const routes = new Hono<AppEnv>()
  for (const operation of options.operations) {
    const path = operationPath(operation)
    routes.post(path, async (context) => {
      checkScope(context.var.principal, operation.scope)
      return answer(options, operation, context, await readJsonObject(context))
    })
    if (hasGetRoute(operation)) {
      routes.get(path, async (context) => {
        checkScope(context.var.principal, operation.scope)
        return answer(options, operation, context, readQuery(operation, context.req.queries()))
      })
    }
  }
  return routes
}

async function answer(
  options: AppOptions,
  operation: AnyOperation,
  context: Context<AppEnv>,
  input: Record<string, unknown>,
): Promise<Response> {
  const parsed = parseInput(operation, input)
  requireConfirmation(operation, parsed, context.req.header(CONFIRM_HEADER))
  if (operation.mode === 'job') {
    const job = await options.services.jobs.submit(context.var.store, {
      operation,
      input: operation.prepare ? await operation.prepare({ store: context.var.store }, parsed) : input,
      principal: context.var.principal.id,
      idempotencyKey: context.req.header('idempotency-key') ?? null,
    })
    return context.json({ job: viewJob(job) }, 202, { location: `/api/jobs/${job.id}` })
  }
  const run = async (signal: AbortSignal, progress: (event: ProgressEvent) => void) => {
    const operationContext: OperationContext = {
      store: context.var.store,
      principal: context.var.principal,
      config: options.config,
      signal,
      progress,
      log: options.log,
      services: options.services,
      jobId: null,
      attempt: 1,
    }
    return runOperation(operation, operationContext, parsed)
  }
  if (operation.mode === 'call') return context.json(await run(context.req.raw.signal, () => {}))

  return streamSSE(context, async (stream) => {
    const controller = new AbortController()
    stream.onAbort(() => controller.abort())
    const send = (event: string, data: unknown) => stream.writeSSE({ event, data: JSON.stringify(data) })
    try {
      const output = await run(controller.signal, (event) => void send('progress', event))
      await send('result', output)
    } catch (error) {
      await send('error', describeError(error))
    }
  })
}

/** Refuses what cannot be undone unless the caller says that it is meant. */
function requireConfirmation(
  operation: AnyOperation,
  input: Record<string, unknown>,
  header: string | undefined,
): void {
  const question = operation.confirm?.(input) ?? null
  if (question === null || header === 'yes') return
  throw new RegraftError('invalid-input', `${question} Nobody can be asked here.`, {
    hint: `send the header ${CONFIRM_HEADER}: yes`,
  })
}

function readQuery(operation: AnyOperation, query: Record<string, string[]>): Record<string, unknown> {
  const fields = new Map(describeFields(operation.input).map((field) => [field.name, field]))
  const entries = Object.entries(query).map(([name, texts]) => {
    const field = fields.get(name)
    if (!field) return [name, texts[0]]
    const values = texts.map((text) =>
      parseField(field.kind === 'file' ? { ...field, kind: 'json' } : field, text, name),
    )
    return [name, field.many ? values : values[0]]
  })
  return Object.fromEntries(entries)
}
