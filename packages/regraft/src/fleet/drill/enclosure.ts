import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { cp, mkdir, readdir, realpath, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { trainerCommand, trainerFiles } from '@regraft/engine'
import type { TrainerEnclosure } from '../../training/index.ts'
import { HOME, type Mount, namespaceCommand } from './namespaces.ts'

/** How far a drill was kept from what is not in the record. */
export interface Isolation {
  /** `namespaces`: a root and a network of its own. `process`: only what a process can be told. */
  kind: 'namespaces' | 'process'
  /** `hidden`: other files do not exist there. `open`: they can be read. */
  files: 'hidden' | 'open'
  network: 'none' | 'open'
  /** Whether base and teacher were copied beside the rows, so that one folder held every input. */
  copied: boolean
  /** Why there are no namespaces; null where there are. */
  reason: string | null
}

export interface DrillEnclosure extends TrainerEnclosure {
  isolation: Isolation
  /** The folder in which job folders are made; the only one that the trainer may write. */
  jobs: string
}

export interface EnclosureOptions {
  /** Of this drill alone. */
  folder: string
  /** Variables that the recorded training had and that the trainer gets again. */
  variables: Record<string, string>
  /** Copies what is admitted into the folder of the jobs, instead of showing it where it lies. */
  copies: boolean
}

/**
 * Makes the place in which the trainer of a drill runs: an empty HOME, an environment of its own, and, where the machine
 * lets a user make namespaces, no network and no files but its own. That is tried with the real trainer first.
 */
export async function createEnclosure(options: EnclosureOptions): Promise<DrillEnclosure> {
  const { folder, copies } = options
  const jobs = join(folder, 'jobs')
  for (const name of ['jobs', 'root', 'home', 'tmp']) await mkdir(join(folder, name), { recursive: true })
  const { admit, mounts } = admission(jobs, copies)
  const inNamespaces = namespaceEnclosure(options, jobs, mounts)
  const reason = process.platform === 'linux' ? await problemOf(inNamespaces) : 'only Linux has namespaces'
  if (reason !== null) {
    const isolation: Isolation = { kind: 'process', files: 'open', network: 'open', copied: copies, reason }
    return { admit, jobs, ...processEnclosure(options), isolation }
  }
  const isolation: Isolation = {
    ...{ kind: 'namespaces', files: 'hidden', network: 'none', copied: copies, reason },
  }
  return { admit, jobs, ...inNamespaces, isolation }
}

type Launching = Pick<TrainerEnclosure, 'launch' | 'environment'>

function namespaceEnclosure(
  { folder, variables }: EnclosureOptions,
  work: string,
  mounts: Mount[],
): Launching {
  const environment = environmentOf(HOME, '/tmp', variables)
  const root = join(folder, 'root')
  const launch: TrainerEnclosure['launch'] = (command) => {
    return { command: namespaceCommand({ root, work, mounts }, command), environment }
  }
  return { launch, environment }
}

/** Node's permission model would deny other files, but forbids to sync those that the trainer writes. */
function processEnclosure({ folder, variables }: EnclosureOptions): Launching {
  const environment = environmentOf(join(folder, 'home'), join(folder, 'tmp'), variables)
  return { launch: (command) => ({ command, environment }), environment }
}

/** Nothing of the own environment but where programs lie. */
function environmentOf(
  home: string,
  temporary: string,
  variables: Record<string, string>,
): NodeJS.ProcessEnv {
  const { PATH = '/usr/bin:/bin' } = process.env
  return { PATH, HOME: home, TMPDIR: temporary, LANG: 'C.UTF-8', ...variables }
}

/** What the trainer sees beside its job: the files that it is made of, and what is admitted. */
function admission(jobs: string, copies: boolean) {
  const mounts: Mount[] = trainerFiles().map((path) => ({ source: path, target: path }))
  const admitted = new Map<string, string>()
  const admit = async (path: string): Promise<string> => {
    const known = admitted.get(path)
    if (known !== undefined) return known
    const place = copies ? join(jobs, 'inputs', String(admitted.size), basename(path)) : path
    admitted.set(path, place)
    if (copies) {
      await cp(path, place, { recursive: true, dereference: true, mode: constants.COPYFILE_FICLONE })
    } else mounts.push(...(await mountsOf(path)))
    return place
  }
  return { mounts, admit }
}

/** A file or folder as mounts. Links (a hub's cache is made of them) are replaced by what they lead to. */
async function mountsOf(path: string): Promise<Mount[]> {
  if (!(await stat(path)).isDirectory()) return [{ source: await realpath(path), target: path }]
  const entries = await readdir(path, { withFileTypes: true })
  if (!entries.some((entry) => entry.isSymbolicLink()))
    return [{ source: await realpath(path), target: path }]
  const mounts = entries.map(async ({ name }) => {
    return { source: await realpath(join(path, name)).catch(() => null), target: join(path, name) }
  })
  return (await Promise.all(mounts)).filter((mount): mount is Mount => mount.source !== null)
}

/** Starts the trainer without a job: null when it gets so far as to miss it, else what kept it from that. */
function problemOf({ launch, environment }: Launching): Promise<string | null> {
  const {
    command: [program, ...argv],
  } = launch(trainerCommand('/no-such-job'))
  return new Promise((resolve) => {
    const child = spawn(program!, argv, { stdio: ['ignore', 'pipe', 'pipe'], env: environment })
    let answer = ''
    let complaint = ''
    child.stdout.on('data', (bytes) => {
      answer += bytes
    })
    child.stderr.on('data', (bytes) => {
      complaint += bytes
    })
    child.on('error', (error) => resolve(error.message))
    child.on('close', () => {
      if (answer.includes('/no-such-job')) resolve(null)
      else resolve(complaint.trim().split('\n')[0] || 'the trainer did not start')
    })
  })
}
