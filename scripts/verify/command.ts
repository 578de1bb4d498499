import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'

export const ROOT = join(import.meta.dirname, '../..')

/** Runs a program from the root with its output shown; true when it ended with 0 within the time, in seconds. */
export async function passes(
  program: string,
  args: readonly string[],
  options: { seconds: number; environment?: Record<string, string> },
): Promise<boolean> {
  const binaries = join(ROOT, 'node_modules/.bin')
  const path = [dirname(process.execPath), binaries, process.env.PATH ?? ''].join(delimiter)
  const env = { ...process.env, ...options.environment, PATH: path }
  const child = spawn(program, args, {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
    env,
    detached: true,
  })
  // The whole group: a test runner that hangs has children of its own.
  const end = () => {
    try {
      process.kill(-child.pid!, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
  const timer = setTimeout(() => {
    console.error(`${program} took longer than ${options.seconds} s and was ended`)
    end()
  }, options.seconds * 1000)
  process.once('exit', end)
  return new Promise((resolve) => {
    const settle = (passed: boolean) => {
      clearTimeout(timer)
      process.removeListener('exit', end)
      resolve(passed)
    }
    child.once('error', (error) => {
      console.error(`${program} cannot be started: ${error.message}`)
      settle(false)
    })
    child.once('close', (code) => settle(code === 0))
  })
}

/** The first of these programs that is there, by path or by name on the PATH. */
export function findProgram(...candidates: string[]): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter)
  for (const candidate of candidates) {
    if (candidate.includes('/')) {
      if (existsSync(candidate)) return candidate
    } else {
      const folder = folders.find((one) => one !== '' && existsSync(join(one, candidate)))
      if (folder !== undefined) return join(folder, candidate)
    }
  }
  return null
}

/** Installs a Debian package where that is possible; says what it does. What fails here only leads to a skipped check. */
export async function installPackage(name: string, wanted: string): Promise<void> {
  if (process.getuid?.() !== 0 || findProgram('apt-get') === null) return
  console.log(`${wanted} is not there: installing the Debian package ${name} with apt-get …`)
  const environment = { DEBIAN_FRONTEND: 'noninteractive' }
  const install = ['install', '--yes', '--quiet=2', '--no-install-recommends', name]
  if (await passes('apt-get', install, { seconds: 300, environment })) return
  if (!(await passes('apt-get', ['update', '--quiet=2'], { seconds: 120, environment }))) return
  await passes('apt-get', install, { seconds: 300, environment })
}
