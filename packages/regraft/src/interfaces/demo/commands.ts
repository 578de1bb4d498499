import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { RegraftError } from '../../errors/index.ts'

const PROGRAM = fileURLToPath(new URL('../../../bin/regraft.js', import.meta.url))

/** Runs `regraft …` in a folder, exactly as typed there, with its output on this terminal. */
export async function runCommand(folder: string, words: string[]): Promise<void> {
  const code = await exitOf(start(folder, words, 'inherit'))
  if (code === 0) return
  throw new RegraftError(
    'internal',
    `the command failed with exit code ${code}: regraft ${words.join(' ')}`,
    {
      hint: 'run it by hand in the demo folder; REGRAFT_DEBUG=1 shows where it failed',
    },
  )
}

/** Runs `regraft … --json` and returns what it printed. */
export async function readCommand(folder: string, words: string[]): Promise<unknown> {
  const child = start(folder, [...words, '--json'], 'pipe')
  let output = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const code = await exitOf(child)
  if (code !== 0)
    throw new RegraftError(
      'internal',
      `the command failed with exit code ${code}: regraft ${words.join(' ')}`,
    )
  return JSON.parse(output)
}

/** A server that runs until it is stopped. */
export interface RunningServer {
  url: string
  stop(): Promise<void>
}

/** Starts `regraft serving up` on a free port and waits until it listens. */
export async function startServer(folder: string): Promise<RunningServer> {
  const child = start(folder, ['serving', 'up', '--port', '0', '--json'], 'pipe')
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout!.setEncoding('utf8').once('data', (text: string) => resolve(JSON.parse(text).url))
    child.once('close', (code) => {
      reject(new RegraftError('internal', `the server ended with exit code ${code} before it listened`))
    })
  })
  return {
    url,
    async stop() {
      const ended = exitOf(child)
      child.kill('SIGTERM')
      await ended
    },
  }
}

function start(folder: string, words: string[], output: 'inherit' | 'pipe'): ChildProcess {
  return spawn(process.execPath, [PROGRAM, ...words], { cwd: folder, stdio: ['ignore', output, 'inherit'] })
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
}
