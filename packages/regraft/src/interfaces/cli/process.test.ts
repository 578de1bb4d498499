// The command line as a user meets it: real processes on one data directory.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JobView } from '../../jobs/index.ts'

const BIN = join(import.meta.dirname, '../../../bin/regraft.js')
const NAPS = join(import.meta.dirname, 'fixtures/nap-cli.ts')

const folder = mkdtempSync(join(tmpdir(), 'regraft-cli-'))
const children: ChildProcess[] = []

class Running {
  stdout = ''
  stderr = ''
  readonly child: ChildProcess
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>

  constructor(program: string, args: string[], cwd = folder) {
    const cache = join(tmpdir(), 'node-compile-cache')
    const env = { ...process.env, DATABASE_URL: '', REGRAFT_DEBUG: '', NODE_COMPILE_CACHE: cache }
    this.child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, ...args], {
      cwd,
      env,
    })
    children.push(this.child)
    this.child.stdout!.on('data', (chunk) => {
      this.stdout += chunk
    })
    this.child.stderr!.on('data', (chunk) => {
      this.stderr += chunk
    })
    this.ended = new Promise((resolve) => {
      this.child.on('close', (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }))
    })
  }

  /** Waits until the process has said something; fails with what it did say when it ends before. */
  async says(text: string): Promise<void> {
    const heard = () => (this.stderr + this.stdout).includes(text)
    while (!heard() && this.child.exitCode === null) await sleep(20)
    if (!heard()) await this.ended
    expect(this.stderr + this.stdout).toContain(text)
  }
}

const run = (...args: string[]) => new Running(BIN, args).ended
const withNaps = (...args: string[]) => new Running(NAPS, args)
const takeNap = (name: string, ...args: string[]) => withNaps('naps', 'take', join(folder, name), ...args)
const endNap = (name: string) => writeFileSync(join(folder, name), '')

beforeAll(async () => {
  const init = await run('init')
  expect(init).toMatchObject({ code: 0, stderr: '' })
})
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

test('init writes a file that is valid and commented, and never overwrites one', async () => {
  const file = join(folder, 'regraft.yaml')
  expect(readFileSync(file, 'utf8')).toContain('# ')
  expect(existsSync(join(folder, '.regraft'))).toBe(true)
  const explained = await run('config', 'explain', '--json')
  expect(explained.code).toBe(0)
  const { values } = JSON.parse(explained.stdout) as { values: { path: string; source: string }[] }
  expect(values.find(({ path }) => path === 'gates.margin')).toMatchObject({ value: 0.02, source: 'file' })
  writeFileSync(file, `${readFileSync(file, 'utf8')}# mine\n`)
  const again = await run('init')
  expect(again).toMatchObject({ code: 5, stdout: '' })
  expect(again.stderr).toMatch(/^error\[conflict\]: .*regraft\.yaml exists already\nfix: /)
  expect(readFileSync(file, 'utf8')).toContain('# mine')
})

test('help shows options with kinds and defaults, positionals and the example', async () => {
  const { code, stdout } = await run('import', '--help')
  expect(code).toBe(0)
  expect(stdout).toContain('Usage: regraft import [options] <file>')
  expect(stdout).toContain('--format <choice>')
  expect(stdout.replace(/\s+/g, ' ')).toContain('(csv | parquet | otlp')
  expect(stdout).toContain('Example:\n  $ regraft import tickets.csv')
})

test('a reader that has seen enough does not make a command fail', async () => {
  const help = new Running(BIN, ['import', '--help'])
  help.child.stdout!.destroy()
  expect(await help.ended).toMatchObject({ code: 0, stderr: '' })
})

test('what is wrong on the command line is said in its own words, with exit code 2', async () => {
  const misspelt = await run('jobs', 'list', '--limt', '3')
  expect(misspelt.code).toBe(2)
  expect(misspelt.stderr).toBe(
    "error[invalid-input]: unknown option '--limt' (Did you mean --limit?)\nfix: regraft jobs list --help\n",
  )
  expect((await run('jobs', 'list', '--limit', '0')).stderr).toMatch(
    /^error\[invalid-input\]: --limit: too small/,
  )
  expect((await run('jobs', 'list', '--limit', 'many')).stderr).toContain(
    "--limit: expected a number, found 'many'",
  )
  expect(await run('import', 'absent.csv', '--text', 'a')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('error[invalid-file]: there is no file absent.csv'),
  })
  expect(
    await run('datasets', 'export', 'a1b2c3', '--format', 'kto', '--out', 'nowhere/rows.jsonl'),
  ).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(
      /error\[invalid-file\]: there is no folder \S*nowhere to write nowhere\/rows\.jsonl in\nfix: /,
    ),
  })
  expect(await run('jobs', 'frob')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('only list, show'),
  })
})

test('an unknown configuration key ends with one error that lists every bad path', async () => {
  const file = join(folder, 'bad.yaml')
  writeFileSync(file, 'projct: x\nserver:\n  port: high\ngates: { margn: 1 }\n')
  const { code, stderr } = await run('jobs', 'list', '--config', 'bad.yaml')
  expect(code).toBe(2)
  expect(stderr).toMatch(/error\[invalid-config\]: .*bad\.yaml has 3 problems/)
  expect(stderr).toContain("line 1: projct: unknown key, did you mean 'project'?")
  expect(stderr).toContain('line 3: server.port: expected number, found string')
  expect(stderr).toContain("line 4: gates.margn: unknown key, did you mean 'margin'?")
})

test('where a check decides, its outcome is the exit code: 0, 10 or 11', async () => {
  const empty = await run('fleet', 'check')
  expect(empty).toMatchObject({ code: 11, stdout: expect.stringContaining('no adapter is registered') })
  expect((await run('fleet', 'log', '--verify')).code).toBe(0)
  const cut = await run('fleet', 'log', '--head', '0123456789ab')
  expect(cut).toMatchObject({ code: 10, stdout: expect.stringContaining('is not in the log') })
})

test('a second process works over the socket of a busy first one; Ctrl-C cancels the job', async () => {
  const busy = takeNap('never')
  await busy.says('nap attempt 1')
  const { code, stdout } = await run('jobs', 'list', '--json')
  expect(code).toBe(0)
  const { jobs } = JSON.parse(stdout) as { jobs: JobView[] }
  expect(jobs[0]).toMatchObject({
    operation: 'naps take',
    state: 'running',
    progress: { stage: 'nap attempt 1' },
  })
  busy.child.kill('SIGINT')
  expect(await busy.ended).toMatchObject({
    code: 130,
    stderr: expect.stringContaining(`error[cancelled]: job ${jobs[0]!.id}`),
  })
})

test('a holder serves others to their end; when it is killed, one of them takes over and its job goes on', async () => {
  const holder = takeNap('own')
  await holder.says('nap attempt 1')
  const guest = takeNap('guest', '--json')
  await guest.says('waits for another job to end')
  endNap('own')
  await guest.says('nap attempt 1')
  await holder.says('still serving')
  holder.child.kill('SIGKILL')
  await guest.says('nap attempt 2')
  endNap('guest')
  const { code, stdout } = await guest.ended
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toEqual({ attempt: 2 })
})

test('the lock of a killed process is taken; its job is named and goes on when it is followed', async () => {
  const killed = takeNap('orphan')
  await killed.says('nap attempt 1')
  killed.child.kill('SIGKILL')
  await killed.ended
  const [one, two] = await Promise.all([run('jobs', 'list', '--json'), run('jobs', 'list', '--json')])
  expect([one.code, two.code]).toEqual([0, 0])
  const { jobs } = JSON.parse(one.stdout) as { jobs: JobView[] }
  expect(jobs[0]).toMatchObject({ operation: 'naps take', state: 'queued' })
  expect(one.stderr + two.stderr).toContain(`continue it with: regraft jobs follow ${jobs[0]!.id}`)
  endNap('orphan')
  const followed = await withNaps('jobs', 'follow', jobs[0]!.id, '--json').ended
  expect(JSON.parse(followed.stdout)).toMatchObject({ state: 'succeeded', result: { attempt: 2 } })
})

test('a detached job outlives its command', async () => {
  const { code, stdout } = await takeNap('away', '--detach').ended
  expect(code).toBe(0)
  const id = stdout.trim()
  const running = JSON.parse((await run('jobs', 'show', id, '--json')).stdout) as JobView
  expect(running.state).toBe('running')
  endNap('away')
  const followed = await withNaps('jobs', 'follow', id, '--json').ended
  expect(JSON.parse(followed.stdout)).toMatchObject({ state: 'succeeded', result: { attempt: 1 } })
})

test('a server answers other commands, and a port in use is an error that names the option', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => taken.once('listening', resolve))
  const { port } = taken.address() as AddressInfo
  const refused = await run('serving', 'up', '--port', String(port))
  expect(refused.code).toBe(7)
  expect(refused.stderr).toMatch(/error\[port-in-use\].*\nfix: .*--port/)
  taken.close()

  const server = new Running(BIN, ['serving', 'up', '--port', '0', '--json'])
  await server.says('"url"')
  const { url } = JSON.parse(server.stdout) as { url: string }
  expect((await fetch(`${url}/health`)).status).toBe(200)
  expect((await run('keys', 'list', '--url', url)).code).toBe(0)
  const second = await run('serving', 'up', '--port', '0')
  expect(second).toMatchObject({ code: 5, stderr: expect.stringContaining(url) })
  server.child.kill('SIGTERM')
  expect((await server.ended).code).toBe(143)
})
