/**
 * The GGUF container, versions 2 and 3: metadata, then tensor descriptions, then aligned tensor data.
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
import { EngineError } from '../errors.ts'
import { RandomAccessFile } from './random-access-file.ts'

export type GgufValue = number | bigint | boolean | string | GgufValue[]
export type GgufMetadata = ReadonlyMap<string, GgufValue>

interface GgufTensor {
  name: string
  /** Fastest dimension first, as stored: a linear weight is [in, out]. */
  dimensions: number[]
  /** Number of the ggml type. */
  type: number
  /** From the start of the tensor data. */
  offset: number
}

export interface GgufFile {
  file: RandomAccessFile
  metadata: GgufMetadata
  tensors: GgufTensor[]
  /** Where the tensor data starts. */
  dataStart: number
  alignment: number
}

const MAX_DIMENSIONS = 4
/** Far beyond any model, and little enough to keep in memory whatever a file claims. */
const MOST_TENSORS = 1 << 17
const MOST_ENTRIES = 1 << 16
const MOST_VALUES = 1 << 24
const LONGEST_TEXT = 1 << 26

/** Reads everything but the tensor data; throws `invalid-file` when the file is truncated or corrupt. */
export function readGgufFile(path: string): GgufFile {
  const file = new RandomAccessFile(path)
  try {
    return parse(file)
  } catch (error) {
    file.close()
    throw error
  }
}

export function invalidGguf(file: RandomAccessFile, problem: string): EngineError {
  return new EngineError('invalid-file', `${file.path} is not a valid GGUF file: ${problem}`, {
    hint: 'The file may be truncated; fetch it again and compare its size and sha256.',
  })
}

function parse(file: RandomAccessFile): GgufFile {
  const cursor = new Cursor(file)
  const magic = cursor.take(4).toString('latin1')
  if (magic !== 'GGUF') throw invalidGguf(file, `it starts with ${JSON.stringify(magic)} instead of "GGUF"`)
  const version = cursor.uint32()
  if (version !== 2 && version !== 3) {
    const isBigEndian = version > 0 && (version & 0xffff) === 0
    throw new EngineError(
      'incompatible',
      `${file.path} has GGUF version ${isBigEndian ? `${version >>> 24}, big-endian` : version}`,
      { hint: 'Supported: versions 2 and 3, little-endian' },
    )
  }
  const tensorCount = cursor.size('the number of tensors', MOST_TENSORS)
  const entryCount = cursor.size('the number of metadata entries', MOST_ENTRIES)

  const metadata = new Map<string, GgufValue>()
  for (let i = 0; i < entryCount; i++) {
    const key = cursor.string()
    if (metadata.has(key)) throw invalidGguf(file, `it has the metadata key ${key} twice`)
    metadata.set(key, cursor.value(cursor.uint32(), key))
  }
  const tensors: GgufTensor[] = []
  for (let i = 0; i < tensorCount; i++) tensors.push(readTensor(cursor, file))

  const alignment = metadata.get('general.alignment') ?? 32
  if (typeof alignment !== 'number' || alignment < 8 || !Number.isInteger(Math.log2(alignment))) {
    throw invalidGguf(file, `its alignment ${String(alignment)} is no power of two from 8 on`)
  }
  const dataStart = Math.ceil(cursor.position / alignment) * alignment
  return { file, metadata, tensors, dataStart, alignment }
}

function readTensor(cursor: Cursor, file: RandomAccessFile): GgufTensor {
  const name = cursor.string()
  const count = cursor.uint32()
  if (count < 1 || count > MAX_DIMENSIONS) throw invalidGguf(file, `tensor ${name} has ${count} dimensions`)
  const dimensions = Array.from({ length: count }, () => cursor.size(`a dimension of tensor ${name}`))
  return { name, dimensions, type: cursor.uint32(), offset: cursor.size(`the offset of tensor ${name}`) }
}

const ARRAY = 9
const STRING = 8
/** Byte lengths of the fixed-size value types, by their number in the format. */
const VALUE_LENGTHS: Record<number, number> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
}
const MAX_ARRAY_DEPTH = 8

/** Reads forward through the file in large blocks, so that a vocabulary costs no system call per word. */
class Cursor {
  static readonly #blockSize = 1 << 20
  readonly #file: RandomAccessFile
  #block = Buffer.alloc(0)
  #blockStart = 0
  #offset = 0

  constructor(file: RandomAccessFile) {
    this.#file = file
  }

  get position(): number {
    return this.#blockStart + this.#offset
  }

  /** The next bytes; valid until the next call. */
  take(length: number): Buffer {
    if (this.#offset + length > this.#block.length) {
      const start = this.position
      const available = this.#file.size - start
      if (length > available) {
        throw invalidGguf(this.#file, `it needs ${length} bytes from byte ${start} on but has ${available}`)
      }
      const size = Math.min(Math.max(length, Cursor.#blockSize), available)
      this.#block = Buffer.from(this.#file.read(start, size).buffer)
      this.#blockStart = start
      this.#offset = 0
    }
    const bytes = this.#block.subarray(this.#offset, this.#offset + length)
    this.#offset += length
    return bytes
  }

  uint32(): number {
    return this.take(4).readUInt32LE()
  }

  size(what: string, most = Number.MAX_SAFE_INTEGER): number {
    const value = this.take(8).readBigUInt64LE()
    if (value > BigInt(most)) throw invalidGguf(this.#file, `${what} is ${value}`)
    return Number(value)
  }

  string(): string {
    return this.take(this.size('a text length', LONGEST_TEXT)).toString('utf8')
  }

  value(type: number, key: string, depth = 0): GgufValue {
    if (type === STRING) return this.string()
    if (type === ARRAY) {
      if (depth >= MAX_ARRAY_DEPTH) throw invalidGguf(this.#file, `metadata ${key} is nested too deeply`)
      const elementType = this.uint32()
      const length = this.size(`the length of ${key}`, MOST_VALUES)
      const values: GgufValue[] = []
      for (let i = 0; i < length; i++) values.push(this.value(elementType, key, depth + 1))
      return values
    }
    const length = VALUE_LENGTHS[type]
    if (length === undefined) throw invalidGguf(this.#file, `metadata ${key} has the unknown type ${type}`)
    return readScalar(type, this.take(length))
  }
}

function readScalar(type: number, bytes: Buffer): GgufValue {
  switch (type) {
    case 0:
      return bytes.readUInt8()
    case 1:
      return bytes.readInt8()
    case 2:
      return bytes.readUInt16LE()
    case 3:
      return bytes.readInt16LE()
    case 4:
      return bytes.readUInt32LE()
    case 5:
      return bytes.readInt32LE()
    case 6:
      return bytes.readFloatLE()
    case 7:
      return bytes.readUInt8() !== 0
    case 12:
      return bytes.readDoubleLE()
    default: {
      const integer = type === 10 ? bytes.readBigUInt64LE() : bytes.readBigInt64LE()
      const number = Number(integer)
      return Number.isSafeInteger(number) ? number : integer
    }
  }
}
