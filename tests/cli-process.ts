import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const BIN = join(import.meta.dirname, '../packages/regraft/bin/regraft.js')

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/** The real command line as a process. */
export class CliProcess {
  stdout = ''
  stderr = ''
  readonly child: ChildProcess
  readonly ended: Promise<Ended>

  constructor(folder: string, args: readonly string[], environment: Record<string, string> = {}) {
    const env = { ...process.env, DATABASE_URL: '', REGRAFT_DEBUG: '', NO_COLOR: '1', ...environment }
    this.child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', BIN, ...args], {
      cwd: folder,
      env,
    })
    this.child.stdin!.end()
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
    })
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    this.ended = new Promise((resolve) => {
      this.child.on('close', (code, signal) =>
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr }),
      )
    })
  }

  /** Waits until the process has said something; throws with what it did say when it ends before. */
  async says(text: string): Promise<void> {
    const heard = () => (this.stdout + this.stderr).includes(text)
    while (!heard() && this.child.exitCode === null && this.child.signalCode === null) await sleep(10)
    if (heard()) return
    const { code, stdout, stderr } = await this.ended
    if (!heard()) throw new Error(`it never said '${text}', but ended with ${code}:\n${stdout}${stderr}`)
  }

  /** Ends it with a signal and waits until it is gone. */
  async kill(signal: NodeJS.Signals): Promise<Ended> {
    this.child.kill(signal)
    return this.ended
  }
}

/** Runs a command to its end and reads its JSON answer; throws what it printed when it fails. */
export async function runJson<T>(
  folder: string,
  args: readonly string[],
  environment?: Record<string, string>,
): Promise<T> {
  const { code, stdout, stderr } = await new CliProcess(folder, [...args, '--json'], environment).ended
  if (code !== 0) throw new Error(`regraft ${args.join(' ')} ended with ${code}:\n${stderr}${stdout}`)
  return JSON.parse(stdout) as T
}

/** Starts `serving up`, on a free port unless one is given; resolves once it answers. */
export async function startServer(
  folder: string,
  environment?: Record<string, string>,
  port = 0,
): Promise<CliProcess & { url: string }> {
  const server = new CliProcess(folder, ['serving', 'up', '--port', String(port), '--json'], environment)
  await server.says('"url"')
  const { url } = JSON.parse(server.stdout) as { url: string }
  return Object.assign(server, { url })
}
