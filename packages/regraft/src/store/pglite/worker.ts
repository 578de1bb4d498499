/**
 * Runs PGlite in a thread of its own and speaks the Postgres wire protocol over messages.
 * The other side is a plain `pg` connection (stream.ts), so both engines share one driver, one set of
 * value parsers and one kind of error.
 */
import { readlinkSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'
import { basename } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import type { WorkerReply, WorkerRequest } from './messages.ts'

const ROLLBACK = Uint8Array.from([0x51, 0, 0, 0, 13, ...Buffer.from('ROLLBACK'), 0])

/** Added to the nice value of the thread. */
const NICER = 10

const port = parentPort!
if (process.platform === 'linux') yieldToEventLoop()
const { directory } = workerData as { directory: string }
const opening = PGlite.create({ dataDir: directory })
opening.then(
  () => send({ id: 0, ok: true }),
  (error: unknown) => send({ id: 0, ok: false, message: String(error) }),
)

function send(reply: WorkerReply): void {
  if (reply.ok && reply.bytes) port.postMessage(reply, [reply.bytes.buffer as ArrayBuffer])
  else port.postMessage(reply)
}

/** The event loop of the process goes first where both want a core: on Linux each thread has a priority of its own. */
function yieldToEventLoop(): void {
  try {
    const thread = Number(basename(readlinkSync('/proc/thread-self')))
    setPriority(thread, Math.min(getPriority(thread) + NICER, 19))
  } catch {
    // Without /proc, or where it is forbidden, the thread is as urgent as the others.
  }
}

async function answer(request: WorkerRequest): Promise<Uint8Array | undefined> {
  const database = await opening
  switch (request.kind) {
    case 'wire':
      // A copy: the reply to the start-up packet is a view on PGlite's own buffer.
      return Uint8Array.from(await database.execProtocolRaw(request.bytes))
    case 'reset':
      // The connection went away: like a server would, end what it left open.
      if (database.isInTransaction()) await database.execProtocolRaw(ROLLBACK)
      return undefined
    case 'close':
      await database.close()
      return undefined
  }
}

port.on('message', (request: WorkerRequest) => {
  answer(request).then(
    (bytes) => send({ id: request.id, ok: true, bytes }),
    (error: unknown) => send({ id: request.id, ok: false, message: String(error) }),
  )
})
