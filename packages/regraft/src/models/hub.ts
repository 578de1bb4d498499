// The HTTP API of the Hugging Face hub, as its own client uses it: GET /api/models/<id>/revision/<revision>?blobs=true
// lists commit and files with their git blob ids and, for large files, sha256; /<id>/resolve/<commit>/<file> gives the
// bytes, often by a redirect to another host. Failures carry X-Error-Code.
import { RegraftError } from '../errors/index.ts'
import { type RequestOptions, requestWithRetries } from './http-retries.ts'

export interface Hub {
  endpoint: string
  token: string | null
}

/** A file of a repository and what its bytes must hash to, as far as the hub says. */
export interface RemoteFile {
  path: string
  /** Bytes; null when the hub does not say. */
  size: number | null
  /** sha256 of the bytes: of files in large file storage. */
  sha256: string | null
  /** git's blob id of the others: sha1 of 'blob <size>\0' and the bytes. */
  gitBlob: string | null
}

export interface Repository {
  id: string
  commit: string
  files: RemoteFile[]
}

/** The hub of HF_ENDPOINT with the token HF_TOKEN, as the hub's own tools read them. */
export function hubOfEnvironment(environment: NodeJS.ProcessEnv): Hub {
  const endpoint = (environment.HF_ENDPOINT ?? 'https://huggingface.co').replace(/\/+$/, '')
  return { endpoint, token: environment.HF_TOKEN?.trim() || null }
}

/** The commit of a revision and its files. Throws 'not-found', 'forbidden' (gated) or 'unavailable'. */
export async function listRepository(
  hub: Hub,
  id: string,
  revision: string,
  options: RequestOptions,
): Promise<Repository> {
  const url = `${hub.endpoint}/api/models/${id}/revision/${encodeURIComponent(revision)}?blobs=true`
  const { response } = await requestWithRetries(url, headersOf(hub), options)
  if (!response.ok) throw await explainRefusal(hub, response, { id, revision })
  const body = (await response.json()) as { sha?: unknown; siblings?: unknown }
  if (typeof body.sha !== 'string' || !Array.isArray(body.siblings)) {
    throw new RegraftError('unavailable', `${hub.endpoint} does not speak the hub's API`, {
      hint: 'check HF_ENDPOINT',
    })
  }
  return { id, commit: body.sha, files: body.siblings.flatMap(remoteFile) }
}

export function headersOf(hub: Hub): Record<string, string> {
  return hub.token === null ? {} : { authorization: `Bearer ${hub.token}` }
}

export function fileUrl(hub: Hub, { id, commit }: Repository, path: string): string {
  return `${hub.endpoint}/${id}/resolve/${commit}/${path.split('/').map(encodeURIComponent).join('/')}`
}

function remoteFile(sibling: unknown): RemoteFile[] {
  const { rfilename, size, blobId, lfs } = sibling as {
    rfilename?: unknown
    size?: unknown
    blobId?: unknown
    lfs?: { sha256?: unknown; size?: unknown } | null
  }
  if (typeof rfilename !== 'string') return []
  const text = (value: unknown) => (typeof value === 'string' ? value : null)
  const bytes = lfs?.size ?? size
  return [
    {
      path: rfilename,
      size: typeof bytes === 'number' ? bytes : null,
      sha256: text(lfs?.sha256),
      gitBlob: lfs ? null : text(blobId),
    },
  ]
}

const FOLDER_FILES = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
]
const INDEX = 'model.safetensors.index.json'

/**
 * What a base needs of a repository: one GGUF file, or the files of a Hugging Face folder, the small ones first.
 * Throws 'not-found' or 'incompatible' with the files there are.
 */
export function filesOfBase(repository: Repository, wanted: string | null): RemoteFile[] {
  const { files, id } = repository
  const byPath = new Map(files.map((file) => [file.path, file]))
  const ggufs = files.filter(({ path }) => /\.gguf$/i.test(path))
  const shown = (list: readonly RemoteFile[]) => {
    const names = list.slice(0, 20).map(({ path }) => path)
    return names.join(', ') + (list.length > 20 ? ` and ${list.length - 20} more` : '')
  }
  if (wanted !== null) {
    const file = byPath.get(wanted)
    if (file && /\.gguf$/i.test(wanted)) return [file]
    if (file) {
      throw new RegraftError('invalid-input', `${wanted} is not a GGUF file`, {
        hint: 'leave out --file for a repository in the Hugging Face format',
        details: { param: 'file' },
      })
    }
    const list = ggufs.length > 0 ? ggufs : files
    throw new RegraftError('not-found', `${id} has no file ${wanted}; it has ${shown(list)}`, {
      hint: 'name one of them with --file',
      details: { param: 'file' },
    })
  }
  const index = byPath.get(INDEX)
  const shards = files.filter(({ path }) => /^model-\d+-of-\d+\.safetensors$/.test(path))
  const single = byPath.get('model.safetensors')
  const weights = single ? [single] : index ? [index, ...shards] : []
  if (weights.length > 0 && byPath.has('config.json')) {
    return [...FOLDER_FILES.flatMap((path) => byPath.get(path) ?? []), ...weights]
  }
  const [only, ...others] = ggufs
  if (only && others.length === 0) return [only]
  if (only) {
    throw new RegraftError('invalid-input', `${id} has several GGUF files: ${shown(ggufs)}`, {
      hint: `name one of them, for example --file ${only.path}`,
      details: { param: 'file' },
    })
  }
  throw new RegraftError(
    'incompatible',
    `${id} is no base: it has neither config.json with safetensors nor a GGUF file, but ${shown(files)}`,
    { hint: 'choose a repository with model.safetensors or a .gguf file' },
  )
}

/** The error that an answer of the hub stands for. */
export async function explainRefusal(
  hub: Hub,
  response: Response,
  { id, revision, file }: { id: string; revision: string; file?: string },
): Promise<RegraftError> {
  await response.body?.cancel().catch(() => {})
  const code = response.headers.get('x-error-code')
  const said = response.headers.get('x-error-message')
  const { status } = response
  if (code === 'GatedRepo' || status === 403) {
    return new RegraftError(
      'forbidden',
      `${id} is gated: ${said ?? 'its licence has to be accepted first'}`,
      {
        hint: `accept the licence on ${hub.endpoint}/${id} and set HF_TOKEN to a token of that account`,
      },
    )
  }
  if (code === 'RevisionNotFound') {
    return new RegraftError('not-found', `${id} has no revision '${revision}'`, {
      hint: 'check --revision: a branch, a tag or a commit',
      details: { param: 'revision' },
    })
  }
  if (code === 'EntryNotFound') {
    return new RegraftError('not-found', `${id} has no file ${file ?? ''} at '${revision}'`)
  }
  if (status === 401 && hub.token !== null && code !== 'RepoNotFound') {
    return new RegraftError('unauthorized', `the hub refuses the token of HF_TOKEN`, {
      hint: `make a token on ${hub.endpoint}/settings/tokens, or unset HF_TOKEN for public models`,
    })
  }
  if (status === 401 || status === 404) {
    return new RegraftError('not-found', `there is no model ${id} on ${hub.endpoint}, or it is private`, {
      hint: 'check the name; for a private one set HF_TOKEN; a folder is written with ./ in front',
      details: { param: 'source' },
    })
  }
  return new RegraftError(
    'unavailable',
    `the hub answered ${status} for ${file ?? id}${said ? `: ${said}` : ''}`,
    { hint: 'run the command again: what has been fetched is kept' },
  )
}
