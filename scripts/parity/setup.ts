// Makes the Python environment and fetches the models that the parity checks need, both under .cache/ (not in git).
//
//   node scripts/parity/setup.ts
//
// Nothing but the parity checks needs them. About 1.7 GB; what is already there is kept.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { fetchGemma, fetchMiniLm, fetchModel } from './fetch-model.ts'

const requirements = fileURLToPath(new URL('requirements.txt', import.meta.url))
const cache = fileURLToPath(new URL('../../.cache', import.meta.url))
const venv = `${cache}/parity-venv`
const python = `${venv}/bin/python`

mkdirSync(cache, { recursive: true })
if (!existsSync(python)) {
  run('python3', ['-m', 'venv', venv], 'Python 3.10 or newer with its venv module is needed as `python3`.')
}
// torch alone and first, so that no other package's open requirement chooses another one.
const torch = readFileSync(requirements, 'utf8').split('\n')[0]!
refuseCuda(torch)
pip('install', '--quiet', torch)
pip('install', '--quiet', '--requirement', requirements)
console.log(
  `python: ${python}\nmodels: ${fetchModel(python)}\n        ${fetchGemma(python)}\n        ${fetchMiniLm(python)}`,
)

/** A plain torch brings gigabytes of CUDA libraries; the checks run on the CPU. */
function refuseCuda(requirement: string): void {
  const report = pip('install', '--quiet', '--dry-run', '--report', '-', requirement)
  const planned = JSON.parse(report) as { install: { metadata: { name: string } }[] }
  if (planned.install.some(({ metadata }) => metadata.name.startsWith('nvidia'))) {
    stop(
      `pip would install ${requirement} with CUDA libraries (gigabytes). Offer it a CPU build, for example with ` +
        'PIP_FIND_LINKS=<folder with the wheel> or PIP_EXTRA_INDEX_URL=<PyTorch’s index of CPU builds>.',
    )
  }
}

function pip(...args: string[]): string {
  return run(
    python,
    ['-m', 'pip', '--disable-pip-version-check', ...args],
    'Is PyPI (or the package mirror that pip is set to) reachable, and does it carry these versions for this Python?',
  )
}

function run(command: string, args: string[], hint: string): string {
  const { status, stdout, error } = spawnSync(command, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (error || status !== 0)
    stop(`\`${command} ${args.join(' ')}\` failed${error ? `: ${error.message}` : ''}. ${hint}`)
  return stdout
}

function stop(message: string): never {
  console.error(`parity setup: ${message}`)
  process.exit(1)
}
