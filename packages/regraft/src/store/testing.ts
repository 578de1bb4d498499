/**
 * Stores for tests: PGlite always; Postgres when REGRAFT_TEST_POSTGRES=1, from DATABASE_URL or from the system's
 * server programs (Debian package `postgresql`), started on a socket in a temporary folder.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { openStore, type Store, type StoreOptions } from './open.ts'

const SYSTEM_FOLDER = '/usr/lib/postgresql'
const START_TIMEOUT_MS = 30_000

/** One engine that a spec runs over. `skipped` says why it cannot run here. */
export interface TestEngine {
  name: 'PGlite' | 'Postgres'
  skipped: string | null
  /** Options of a new, empty store. */
  options(): Promise<StoreOptions>
  stop(): Promise<void>
}

/** The engines to run a spec over: `describe.each(await testEngines())`. Call `stop` of each when done. */
export async function testEngines(): Promise<TestEngine[]> {
  const engines = [pgliteEngine()]
  if (process.env.REGRAFT_TEST_POSTGRES === '1') engines.push(await postgresEngine())
  return engines
}

/** A new PGlite store in a temporary folder, for the tests of other modules. `close` also deletes the folder. */
export async function openTestStore(): Promise<Store & { dataDirectory: string }> {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'regraft-test-'))
  const store = await openStore({ dataDirectory })
  const close = async () => {
    await store.close()
    rmSync(dataDirectory, { recursive: true, force: true })
  }
  return { ...store, dataDirectory, close }
}

function pgliteEngine(): TestEngine {
  const folders = temporaryFolders()
  return {
    name: 'PGlite',
    skipped: null,
    options: async () => ({ dataDirectory: folders.create() }),
    stop: async () => folders.remove(),
  }
}

async function postgresEngine(): Promise<TestEngine> {
  const folders = temporaryFolders()
  const server = process.env.DATABASE_URL
    ? { url: process.env.DATABASE_URL, stop: async () => {} }
    : await startServer()
  if ('reason' in server) {
    console.warn(`SKIPPED: the Postgres half of the store's spec, because ${server.reason}`)
    return {
      name: 'Postgres',
      skipped: server.reason,
      options: () => Promise.reject(new Error(server.reason)),
      stop: async () => {},
    }
  }
  const databases: string[] = []
  return {
    name: 'Postgres',
    skipped: null,
    async options() {
      const name = `regraft_test_${randomBytes(6).toString('hex')}`
      await runSql(server.url, `create database ${name}`)
      databases.push(name)
      const url = new URL(server.url)
      url.pathname = `/${name}`
      return { dataDirectory: folders.create(), databaseUrl: url.href }
    },
    async stop() {
      for (const name of databases) await runSql(server.url, `drop database ${name} with (force)`)
      await server.stop()
      folders.remove()
    },
  }
}

async function startServer(): Promise<{ url: string; stop(): Promise<void> } | { reason: string }> {
  const programs = findPrograms()
  if (!programs) return { reason: 'there is neither DATABASE_URL nor initdb (Debian package postgresql)' }
  const user = serverUser()
  if (user.reason !== undefined) return { reason: user.reason }
  const folder = mkdtempSync(join(tmpdir(), 'regraft-postgres-'))
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  execFileSync(
    join(programs, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    { uid: user.uid, gid: user.gid, cwd: folder, stdio: 'ignore' },
  )
  const server = spawn(
    join(programs, 'postgres'),
    ['-D', data, '-k', folder, '-c', 'listen_addresses=', '-c', 'fsync=off'],
    { uid: user.uid, gid: user.gid, cwd: folder, stdio: 'ignore' },
  )
  // A test run that is interrupted must not leave a server behind.
  process.once('exit', () => server.kill('SIGQUIT'))
  const url = `postgres://postgres@localhost/postgres?host=${encodeURIComponent(folder)}`
  const stop = async () => {
    await end(server)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await answers(url)
  } catch (error) {
    await stop()
    return { reason: `the server in ${programs} does not start: ${String(error)}` }
  }
  return { url, stop }
}

/** The newest of Debian's folders, else the PATH. */
function findPrograms(): string | null {
  const versions = existsSync(SYSTEM_FOLDER) ? readdirSync(SYSTEM_FOLDER) : []
  const folders = [
    ...versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(SYSTEM_FOLDER, version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter),
  ]
  return (
    folders.find((folder) => ['initdb', 'postgres'].every((name) => existsSync(join(folder, name)))) ?? null
  )
}

/** Postgres refuses to run as root, so root runs it as another user of the system. */
function serverUser(): { uid?: number; gid?: number; reason?: string } {
  if (process.getuid?.() !== 0) return {}
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  for (const name of ['postgres', 'nobody']) {
    const user = users.find(([candidate]) => candidate === name)
    if (user) return { uid: Number(user[2]), gid: Number(user[3]) }
  }
  return { reason: 'this is root, and there is no user postgres or nobody to run a server as' }
}

async function answers(url: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS
  while (true) {
    try {
      return await runSql(url, 'select 1')
    } catch (error) {
      if (Date.now() > deadline) throw error
      await delay(100)
    }
  }
}

/** Runs statements on a connection of their own. */
export async function runSql(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  try {
    await client.connect()
    await client.query(text)
  } finally {
    await client.end()
  }
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const ended = new Promise((resolve) => server.once('exit', resolve))
  server.kill('SIGINT')
  await ended
}

function temporaryFolders(): { create(): string; remove(): void } {
  const folders: string[] = []
  return {
    create() {
      const folder = mkdtempSync(join(tmpdir(), 'regraft-test-'))
      folders.push(folder)
      return folder
    },
    remove() {
      for (const folder of folders) rmSync(folder, { recursive: true, force: true })
    },
  }
}
