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
  /** `hidden`: other files do not exist there. `denied`: Node refuses to open them. `open`: they can be read. */
  files: 'hidden' | 'denied' | 'open'
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
 * lets a user make namespaces, no network and no files but its own. Elsewhere Node's permission model denies other files.
 * Each way is tried with the real trainer before it is taken.
 */
export async function createEnclosure(options: EnclosureOptions): Promise<DrillEnclosure> {
  const { folder, copies } = options
  const jobs = join(folder, 'jobs')
  for (const name of ['jobs', 'root', 'home', 'tmp']) await mkdir(join(folder, name), { recursive: true })
  const admit = admission(jobs, copies)
  const inNamespaces = namespaceEnclosure(options, jobs, admit.mounts)
  const reason = process.platform === 'linux' ? await problemOf(inNamespaces) : 'only Linux has namespaces'
  const common = { admit: admit.admit, jobs }
  if (reason === null) {
    const isolation: Isolation = {
      ...{ kind: 'namespaces', files: 'hidden', network: 'none', copied: copies, reason },
    }
    return { ...common, ...inNamespaces, isolation }
  }
  const isolation: Omit<Isolation, 'files'> = { kind: 'process', network: 'open', copied: copies, reason }
  const denying = processEnclosure(options, admit.mounts, true)
  if ((await problemOf(denying)) === null) {
    return { ...common, ...denying, isolation: { ...isolation, files: 'denied' } }
  }
  return {
    ...common,
    ...processEnclosure(options, admit.mounts, false),
    isolation: { ...isolation, files: 'open' },
  }
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

function processEnclosure(
  { folder, variables }: EnclosureOptions,
  mounts: Mount[],
  denies: boolean,
): Launching {
  const environment = environmentOf(join(folder, 'home'), join(folder, 'tmp'), variables)
  const launch: TrainerEnclosure['launch'] = ([node, ...rest]) => {
    const readable = [...mounts.flatMap(({ source, target }) => [source, target]), folder]
    const flags = [
      ...['--permission', '--allow-addons', '--allow-worker', '--disable-warning=SecurityWarning'],
      ...[...new Set(readable)].map((path) => `--allow-fs-read=${path}`),
      `--allow-fs-write=${folder}`,
    ]
    return { command: [node!, ...(denies ? flags : []), ...rest], environment }
  }
  return { launch, environment }
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
