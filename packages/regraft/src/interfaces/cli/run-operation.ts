import { createWriteStream } from 'node:fs'
import { rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { RegraftError } from '../../errors/index.ts'
import type { JobView } from '../../jobs/index.ts'
import {
  type AnyOperation,
  type ErrorDescription,
  type OperationContext,
  type OutputFile,
  type OutputText,
  type ProgressEvent,
  parseInput,
  runOperation,
} from '../../operation/index.ts'
import { describeFields } from '../fields.ts'
import { CONFIRM_HEADER, operationPath } from '../http/paths.ts'
import { type CliContext, loadCliConfig } from './context.ts'
import { followJob, jobResult } from './follow-job.ts'
import { readInput, type Texts, uploadFiles } from './input.ts'
import { createProgress } from './progress.ts'
import { renderOutput } from './render.ts'
import { parseServerEvents } from './server-events.ts'
import { openLocalSession, openRemoteSession, type Session } from './session.ts'
import { createLog } from './terminal.ts'

export interface CommandLine {
  texts: Texts
  /** Where to save the files of the output, by output field. */
  save: Record<string, string>
  detach: boolean
  /** Do what cannot be undone without asking. */
  yes: boolean
}

/** Exit codes of an answer whose operation lets its verdict decide; beside those of errors. */
const OUTCOME_EXITS = { pass: 0, fail: 10, 'cannot-tell': 11 } as const

/**
 * Runs an operation from the command line: reads the input, sends it, shows progress, prints the answer. Returns the exit
 * code: 0, unless the operation lets its verdict decide.
 */
export async function runOperationCommand(
  cli: CliContext,
  operation: AnyOperation,
  { texts, save, detach, yes }: CommandLine,
): Promise<number> {
  const { terminal, interrupted } = cli
  const values = await readInput(
    operation.input,
    describeFields(operation.input),
    operation.positionals,
    texts,
  )
  if (operation.offline && cli.options.url === undefined) {
    return printOutput(cli, operation, await runOffline(cli, operation, values))
  }
  for (const path of Object.values(save)) await requireSavable(path)
  if (!yes) await confirmFirst(cli, operation, values)
  const session = await openSession(cli, detach)
  try {
    const input = await uploadFiles(values, session, interrupted)
    const output = await callOperation(cli, session, operation, input, detach)
    if (output === DETACHED) return 0
    for (const [field, path] of Object.entries(save)) {
      const file = (output as Record<string, OutputFile | OutputText | null | undefined>)[field]
      if (file && 'text' in file) {
        await saveText(file.text, path)
        file.text = ''
      } else if (file) await saveFile(session, file, path)
    }
    return printOutput(cli, operation, output)
  } catch (error) {
    if (interrupted.aborted && !(error instanceof RegraftError && error.code === 'cancelled')) {
      throw new RegraftError('cancelled', 'interrupted', { cause: error })
    }
    throw error
  } finally {
    await session
      .close(interrupted)
      .catch((error: unknown) => terminal.note(`warning: ${(error as Error).message}`))
  }
}

/** Asks before what cannot be undone; where nobody can be asked, it needs `--yes`. */
async function confirmFirst(
  { terminal, interrupted }: CliContext,
  operation: AnyOperation,
  values: Record<string, unknown>,
): Promise<void> {
  const question = operation.confirm?.(parseInput(operation, values)) ?? null
  if (question === null) return
  if (!process.stdin.isTTY || !process.stderr.isTTY || terminal.json) {
    throw new RegraftError('invalid-input', `${question} Nobody can be asked here.`, { hint: 'add --yes' })
  }
  const asked = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await asked.question(`${question} [y/N] `, { signal: interrupted })
    if (/^y(es)?$/i.test(answer.trim())) return
  } finally {
    asked.close()
  }
  throw new RegraftError('cancelled', 'nothing was done')
}

/** Opens the way to the app: the remote server of `--url`, else the data directory. */
async function openSession(cli: CliContext, detach: boolean): Promise<Session> {
  const { options, terminal } = cli
  if (options.url !== undefined) {
    return openRemoteSession({ url: options.url, key: process.env.REGRAFT_API_KEY, project: options.project })
  }
  const loaded = loadCliConfig(cli)
  if (detach && !loaded.config.databaseUrl) {
    const { startBackgroundHolder } = await import('./background.ts')
    await startBackgroundHolder(loaded, cli.options)
  }
  const session = openLocalSession({
    loaded,
    operations: cli.operations,
    protocols: cli.protocols,
    log: createLog(terminal, cli.debug),
    runs: detach ? 'none' : 'asked',
    onWait: (waitingFor) =>
      terminal.note(`still serving ${waitingFor} of the same data directory; Ctrl-C ends it`),
  })
  cli.onTermination(session.abort)
  return session
}

const DETACHED = Symbol('detached')

async function callOperation(
  cli: CliContext,
  session: Session,
  operation: AnyOperation,
  input: Record<string, unknown>,
  detach: boolean,
): Promise<unknown> {
  const { interrupted, terminal } = cli
  const request = {
    method: 'POST' as const,
    headers: {
      ...{ 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() },
      // Whoever is here has been asked, or has said --yes.
      ...(operation.confirm ? { [CONFIRM_HEADER]: 'yes' } : {}),
    },
    body: JSON.stringify(input),
    repeatable: operation.effect === 'read' || operation.mode === 'job',
    signal: interrupted,
  }
  const path = operationPath(operation)
  if (operation.mode === 'call') return session.request(path, request, (response) => response.json())

  const progress = createProgress(terminal)
  try {
    if (operation.mode === 'stream') {
      return await session.request(path, request, (response) => readStream(response, progress.show))
    }
    const { job } = await session.request(
      path,
      request,
      (response) => response.json() as Promise<{ job: JobView }>,
    )
    if (detach) {
      if (terminal.json) terminal.print(JSON.stringify({ job }, null, 2))
      else terminal.print(job.id)
      terminal.note(`runs in the background; see it with: regraft jobs show ${job.id}`)
      return DETACHED
    }
    const cancel = () => {
      terminal.note('cancelling; press Ctrl-C again to quit at once')
      session
        .request(`/api/jobs/${job.id}/cancel`, { method: 'POST', repeatable: true }, async () => {})
        .catch(() => {})
    }
    if (interrupted.aborted) cancel()
    interrupted.addEventListener('abort', cancel, { once: true })
    const watcher = {
      progress: progress.show,
      warning: (message: string) => terminal.note(`warning: ${message}`),
      waiting: terminal.note,
    }
    return jobResult(await followJob(session, job.id, watcher))
  } finally {
    progress.end()
  }
}

async function readStream({ body }: Response, show: (event: ProgressEvent) => void): Promise<unknown> {
  if (body) {
    for await (const { event, data } of parseServerEvents(body)) {
      if (event === 'progress') show(JSON.parse(data) as ProgressEvent)
      if (event === 'result') return JSON.parse(data)
      if (event === 'error') {
        const { code, message, hint, param } = JSON.parse(data) as ErrorDescription
        throw new RegraftError(code, message, { hint: hint ?? undefined, details: { param } })
      }
    }
  }
  throw new RegraftError('unavailable', 'the stream ended before its result')
}

/** Operations that need nothing but the configuration answer in this process, without the store. */
async function runOffline(
  cli: CliContext,
  operation: AnyOperation,
  values: Record<string, unknown>,
): Promise<unknown> {
  const configuration = loadCliConfig(cli)
  const progress = createProgress(cli.terminal)
  const context = {
    config: configuration.config,
    services: { configuration },
    principal: { id: 'local', scopes: ['admin'] },
    signal: cli.interrupted,
    log: createLog(cli.terminal, cli.debug),
    progress: progress.show,
    jobId: null,
    attempt: 1,
  }
  try {
    // An offline operation has promised to read no more than this.
    return await runOperation(
      operation,
      context as unknown as OperationContext,
      parseInput(operation, values),
    )
  } finally {
    progress.end()
  }
}

function printOutput({ terminal }: CliContext, operation: AnyOperation, output: unknown): number {
  const parsed = operation.output.safeParse(output)
  const render =
    parsed.success && operation.render
      ? () => operation.render!(parsed.data, terminal.style)
      : () => renderOutput(output)
  terminal.print(terminal.json ? JSON.stringify(output, null, 2) : render())
  if (!operation.outcome) return OUTCOME_EXITS.pass
  // What another version has answered decides nothing here.
  return OUTCOME_EXITS[parsed.success ? operation.outcome(parsed.data) : 'cannot-tell']
}

async function saveFile(session: Session, file: OutputFile, path: string): Promise<void> {
  await save(path, (draft) =>
    session.request(`/api/blobs/${file.digest}`, { repeatable: true }, async ({ body }) => {
      await pipeline(
        Readable.fromWeb((body ?? new Blob([]).stream()) as Parameters<typeof Readable.fromWeb>[0]),
        createWriteStream(draft),
      )
    }),
  )
}

/** What is handed out in an answer is not for everybody on the machine. */
async function saveText(text: string, path: string): Promise<void> {
  await save(path, (draft) => writeFile(draft, text, { mode: 0o600 }))
}

/** Throws 'invalid-file' before any work is done whose file could not be saved. */
async function requireSavable(path: string): Promise<void> {
  if ((await stat(path).catch(() => null))?.isDirectory()) {
    throw new RegraftError('invalid-file', `${path} is a folder`, {
      hint: 'name the file that shall be written in it',
    })
  }
  const folder = dirname(resolve(path))
  if ((await stat(folder).catch(() => null))?.isDirectory()) return
  throw new RegraftError('invalid-file', `there is no folder ${folder} to write ${path} in`, {
    hint: 'make it first, or give another path',
  })
}

async function save(path: string, write: (draft: string) => Promise<void>): Promise<void> {
  const draft = `${path}.${process.pid}.part`
  try {
    await write(draft)
    await rename(draft, path)
  } catch (cause) {
    await rm(draft, { force: true })
    if (cause instanceof RegraftError) throw cause
    throw new RegraftError('invalid-file', `cannot write ${path}: ${(cause as Error).message}`, { cause })
  }
}
