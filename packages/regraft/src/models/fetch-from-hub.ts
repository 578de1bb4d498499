import { mkdir, readFile, stat, statfs, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { parseHuggingFaceConfig } from '@regraft/engine'
import { RegraftError } from '../errors/index.ts'
import type { OperationContext } from '../operation/index.ts'
import { downloadFile } from './download.ts'
import {
  explainRefusal,
  filesOfBase,
  fileUrl,
  headersOf,
  hubOfEnvironment,
  listRepository,
  type RemoteFile,
  type Repository,
} from './hub.ts'
import { megabytes, reportBytes } from './report-bytes.ts'

/** A model on the hub, as it was asked for. */
export interface HubSource {
  repository: string
  revision: string
  file: string | null
}

const PLAN = 'plan.json'

/** Fetches the files of a hub model; returns its commit. */
export async function fetchFromHub(
  context: OperationContext,
  source: HubSource,
  target: string,
): Promise<string> {
  const { signal, log } = context
  const hub = hubOfEnvironment(process.env)
  const onRetry = (reason: string, milliseconds: number) =>
    log.warn(`${reason}; trying again in ${(milliseconds / 1_000).toFixed(1)} s`)
  const repository = await planned(join(target, '..'), () =>
    listRepository(hub, source.repository, source.revision, { signal, onRetry }),
  )
  const files = filesOfBase(repository, source.file)
  const total = files.reduce((sum, { size }) => sum + (size ?? 0), 0)
  let before = 0
  await mkdir(target, { recursive: true })
  await requireRoom(target, files)
  for (const file of files) {
    const { size } = await downloadFile(
      {
        url: fileUrl(hub, repository, file.path),
        headers: headersOf(hub),
        file,
        target: join(target, basename(file.path)),
        onBytes: (bytes) => reportBytes(context, 'fetch', before + bytes, total, file.path),
        explain: (response) =>
          explainRefusal(hub, response, { id: repository.id, revision: repository.commit, file: file.path }),
      },
      { signal, onRetry },
    )
    before += size
    if (file.path === 'config.json') await requireSupported(target, repository.id)
  }
  return repository.commit
}

/** Throws 'incompatible' before gigabytes are fetched that the engine could not use. */
async function requireSupported(folder: string, id: string): Promise<void> {
  let config: unknown
  try {
    config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'))
  } catch (cause) {
    throw new RegraftError('invalid-file', `config.json of ${id} is no valid JSON`, { cause })
  }
  parseHuggingFaceConfig(config, undefined, id)
}

/** The listing that a pull began with: a branch that moves in the middle must not mix two commits. */
async function planned(folder: string, list: () => Promise<Repository>): Promise<Repository> {
  const file = join(folder, PLAN)
  const known = await readFile(file, 'utf8').catch(() => null)
  if (known !== null) {
    try {
      return JSON.parse(known) as Repository
    } catch {
      // Cut off while it was written.
    }
  }
  const repository = await list()
  await writeFile(file, JSON.stringify(repository))
  return repository
}

/** Throws 'disk-full' before the first byte when what is missing cannot fit. */
async function requireRoom(folder: string, files: readonly RemoteFile[]): Promise<void> {
  let missing = 0
  for (const { path, size } of files) {
    const target = join(folder, basename(path))
    const there =
      (
        await stat(target)
          .catch(() => stat(`${target}.part`))
          .catch(() => null)
      )?.size ?? 0
    missing += Math.max(0, (size ?? 0) - there)
  }
  const { bavail, bsize } = await statfs(folder)
  if (missing <= bavail * bsize) return
  throw new RegraftError(
    'disk-full',
    `${megabytes(missing)} MB are missing and the disk of ${folder} has ${megabytes(bavail * bsize)} MB left`,
    { hint: 'make room, or put the data directory on a larger disk with dataDirectory in regraft.yaml' },
  )
}
