/**
 * The safetensors format: 8 bytes of header length, a JSON header, then the tensors without gaps.
 * https://huggingface.co/docs/safetensors — the checks are those of the reference implementation.
 */
import { EngineError } from '../errors.ts'
import { writeFileAtomically } from './atomic-write.ts'
import { bfloatsToFloats, floatsToBfloats, floatsToHalves, halvesToFloats } from './half-precision.ts'
import { RandomAccessFile } from './random-access-file.ts'
import type { TensorSource } from './types.ts'

const MAX_HEADER_LENGTH = 100_000_000
const ELEMENT_BITS: Record<string, number> = {
  F64: 64,
  F32: 32,
  F16: 16,
  BF16: 16,
  F8_E4M3: 8,
  F8_E5M2: 8,
  F8_E8M0: 8,
  F6_E2M3: 6,
  F6_E3M2: 6,
  F4: 4,
  C64: 64,
  I64: 64,
  U64: 64,
  I32: 32,
  U32: 32,
  I16: 16,
  U16: 16,
  I8: 8,
  U8: 8,
  BOOL: 8,
}
export type StoredFloat = 'F32' | 'F16' | 'BF16'
export const READABLE_DTYPES: readonly string[] = ['F32', 'F16', 'BF16'] satisfies StoredFloat[]

interface Entry {
  dtype: string
  shape: number[]
  start: number
  end: number
}

/** Tensors of one safetensors file with the text metadata of its header. */
export interface SafetensorsSource extends TensorSource {
  readonly metadata: Readonly<Record<string, string>>
}

/**
 * Opens a safetensors file whose F32, F16 and BF16 tensors are read on demand.
 *
 * Throws `invalid-file` when the file is truncated, its header is no valid JSON, or its offsets overlap, leave
 * holes, leave the file or contradict shape and type. Reading a tensor of another type throws `incompatible`.
 */
export function openSafetensors(path: string): SafetensorsSource {
  const file = new RandomAccessFile(path)
  try {
    return new SafetensorsFile(file)
  } catch (error) {
    file.close()
    throw error
  }
}

class SafetensorsFile implements SafetensorsSource {
  readonly metadata: Readonly<Record<string, string>>
  readonly #file: RandomAccessFile
  readonly #dataStart: number
  readonly #entries: Map<string, Entry>

  constructor(file: RandomAccessFile) {
    const header = readHeader(file)
    this.#file = file
    this.#dataStart = header.dataStart
    this.#entries = header.entries
    this.metadata = header.metadata
  }

  names(): string[] {
    return [...this.#entries.keys()]
  }

  has(name: string): boolean {
    return this.#entries.has(name)
  }

  shape(name: string): number[] {
    return [...this.#entry(name).shape]
  }

  dtype(name: string): string {
    return this.#entry(name).dtype
  }

  read(name: string): Float32Array {
    const { dtype, start, end } = this.#entry(name)
    if (!READABLE_DTYPES.includes(dtype)) {
      throw new EngineError('incompatible', `Tensor ${name} in ${this.#file.path} has type ${dtype}`, {
        hint: `Supported types: ${READABLE_DTYPES.join(', ')}`,
      })
    }
    const bytes = this.#file.read(this.#dataStart + start, end - start)
    if (dtype === 'F32') return new Float32Array(bytes.buffer)
    const halves = new Uint16Array(bytes.buffer)
    return dtype === 'F16' ? halvesToFloats(halves) : bfloatsToFloats(halves)
  }

  close(): void {
    this.#file.close()
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name)
    if (!entry) throw new EngineError('not-found', `No tensor ${name} in ${this.#file.path}`)
    return entry
  }
}

interface Header {
  dataStart: number
  entries: Map<string, Entry>
  metadata: Record<string, string>
}

function readHeader(file: RandomAccessFile): Header {
  const fail = (problem: string, cause?: unknown): never => {
    throw new EngineError('invalid-file', `${file.path} is not a valid safetensors file: ${problem}`, {
      cause,
      hint: 'The file may be truncated; fetch it again and compare its size and sha256.',
    })
  }
  if (file.size < 8) return fail(`it has ${file.size} bytes and the header length alone takes 8`)
  const declared = new DataView(file.read(0, 8).buffer).getBigUint64(0, true)
  if (declared > BigInt(MAX_HEADER_LENGTH)) return fail(`its header claims ${declared} bytes`)
  const dataStart = 8 + Number(declared)
  if (dataStart > file.size) {
    return fail(`its header claims ${declared} bytes but the file ends after ${file.size}`)
  }

  let header: unknown
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(file.read(8, dataStart - 8))
    header = JSON.parse(text)
  } catch (cause) {
    return fail(`its header is no valid JSON (${(cause as Error).message})`, cause)
  }
  if (!isObject(header)) return fail('its header is no JSON object')

  const { __metadata__: metadata = {}, ...tensors } = header
  if (!isObject(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) {
    return fail('__metadata__ must map text to text')
  }
  const entries = Object.entries(tensors).map(([name, value]): [string, Entry] => {
    const entry = parseEntry(value)
    if (typeof entry === 'string') return fail(`tensor ${name} ${entry}`)
    return [name, entry]
  })
  entries.sort(([, a], [, b]) => a.start - b.start || a.end - b.end)

  let position = 0
  for (const [name, entry] of entries) {
    if (entry.start !== position) {
      const kind = entry.start < position ? 'overlaps the one before' : 'leaves a hole before it'
      return fail(`tensor ${name} ${kind} (it starts at ${entry.start}, expected ${position})`)
    }
    position = entry.end
  }
  if (dataStart + position !== file.size) {
    return fail(`its tensors end at byte ${dataStart + position} but the file has ${file.size}`)
  }
  return { dataStart, entries: new Map(entries), metadata: metadata as Record<string, string> }
}

/** The entry, or what is wrong with it. */
function parseEntry(value: unknown): Entry | string {
  if (!isObject(value)) return 'is no object'
  const { dtype, shape, data_offsets: offsets } = value
  const elementBits = typeof dtype === 'string' ? ELEMENT_BITS[dtype] : undefined
  if (elementBits === undefined) return `has the unknown type ${JSON.stringify(dtype)}`
  if (!isSizes(shape)) return `has the invalid shape ${JSON.stringify(shape)}`
  if (!isSizes(offsets) || offsets.length !== 2) return `has the invalid offsets ${JSON.stringify(offsets)}`
  const [start, end] = offsets as [number, number]
  if (end < start) return `ends at ${end}, before its start at ${start}`
  const needed = (shape.reduce((product, size) => product * size, 1) * elementBits) / 8
  if (needed !== end - start) {
    return `spans ${end - start} bytes but ${dtype} [${shape.join(', ')}] needs ${needed}`
  }
  return { dtype: dtype as string, shape, start, end }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0)
}

export interface TensorToWrite {
  name: string
  shape: number[]
  dtype: StoredFloat
  data: Float32Array
}

/**
 * Writes tensors so that equal input gives equal bytes, whatever its order.
 *
 * F32 tensors come first, then by name, so that each stays aligned to its own size without gaps. The file
 * appears whole or not at all. Values that do not fit a 16-bit type are rounded to the nearest, ties to even.
 */
export function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = {},
): void {
  const sorted = [...tensors].sort(
    (a, b) => ELEMENT_BITS[b.dtype]! - ELEMENT_BITS[a.dtype]! || compareText(a.name, b.name),
  )
  const header: Record<string, unknown> = Object.create(null)
  const metadataEntries = Object.entries(metadata).sort(([a], [b]) => compareText(a, b))
  if (metadataEntries.length > 0) header.__metadata__ = Object.fromEntries(metadataEntries)

  let position = 0
  for (const { name, shape, dtype, data } of sorted) {
    const elements = shape.reduce((product, size) => product * size, 1)
    if (elements !== data.length) {
      throw new EngineError(
        'invalid-input',
        `Tensor ${name} has ${data.length} values, its shape [${shape.join(', ')}] needs ${elements}`,
      )
    }
    if (name in header || name === '__metadata__') {
      throw new EngineError('invalid-input', `Tensor name ${name} is used twice or reserved`)
    }
    const end = position + (elements * ELEMENT_BITS[dtype]!) / 8
    header[name] = { dtype, shape, data_offsets: [position, end] }
    position = end
  }

  const json = Buffer.from(JSON.stringify(header))
  const prefix = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ')
  prefix.writeBigUInt64LE(BigInt(prefix.length - 8))
  json.copy(prefix, 8)
  writeFileAtomically(path, fileChunks(prefix, sorted))
}

function* fileChunks(prefix: Uint8Array, tensors: readonly TensorToWrite[]): Iterable<Uint8Array> {
  yield prefix
  for (const { dtype, data } of tensors) {
    const stored = dtype === 'F32' ? data : dtype === 'F16' ? floatsToHalves(data) : floatsToBfloats(data)
    yield new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength)
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
