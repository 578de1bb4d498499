import { EngineError } from '../errors.ts'
import { type GgufFile, type GgufMetadata, invalidGguf, readGgufFile } from './gguf-file.ts'
import {
  GGUF_ARCHITECTURES,
  type GgufArchitecture,
  huggingFaceName,
  interleavesHeads,
  ROPE_FACTORS,
} from './gguf-names.ts'
import { type GgmlType, READABLE_TYPE_NAMES, readableType, typeName } from './gguf-types.ts'
import type { QuantisedRows, TensorSource } from './types.ts'

/** The tensors of a GGUF file under Hugging Face's names and in its layout, with the file's metadata. */
export interface GgufSource extends TensorSource {
  readonly metadata: GgufMetadata
  readonly architecture: GgufArchitecture
  /** What the file divides the rotary frequencies by, [headDim/2]; null where it divides by nothing. */
  readonly ropeFactors: Float32Array | null
}

interface Entry {
  type: GgmlType
  /** Row-major, so the reverse of GGUF's dimensions. */
  shape: number[]
  start: number
  bytes: number
  /** Attention heads whose rows the converter interleaved, or 0. */
  permutedHeads: number
}

/**
 * Opens a GGUF file of a supported architecture; tensors are converted to 32-bit floats when they are read.
 *
 * Names become Hugging Face's, and the row order that llama.cpp's converter gives q_proj and k_proj is undone. Norm
 * weights are the plain multipliers that the file holds, in Gemma too.
 * Throws `invalid-file` when the file is truncated or corrupt, `incompatible` naming an architecture, tensor or
 * quantisation it does not support.
 */
export function openGguf(path: string): GgufSource {
  const gguf = readGgufFile(path)
  try {
    const architecture = supportedArchitecture(gguf)
    return new GgufTensors(gguf, architecture, tensorEntries(gguf, architecture))
  } catch (error) {
    gguf.file.close()
    throw error
  }
}

class GgufTensors implements GgufSource {
  readonly metadata: GgufMetadata
  readonly architecture: GgufArchitecture
  readonly #file: GgufFile['file']
  readonly #entries: Map<string, Entry>

  constructor({ file, metadata }: GgufFile, architecture: GgufArchitecture, entries: Map<string, Entry>) {
    this.#file = file
    this.#entries = entries
    this.metadata = metadata
    this.architecture = architecture
  }

  get ropeFactors(): Float32Array | null {
    return this.#entries.has(ROPE_FACTORS) ? this.read(ROPE_FACTORS) : null
  }

  names(): string[] {
    return [...this.#entries.keys()].filter((name) => name !== ROPE_FACTORS)
  }

  has(name: string): boolean {
    return name !== ROPE_FACTORS && this.#entries.has(name)
  }

  shape(name: string): number[] {
    return [...this.#entry(name).shape]
  }

  dtype(name: string): string {
    return this.#entry(name).type.name
  }

  read(name: string): Float32Array {
    const { type, shape, start, bytes, permutedHeads } = this.#entry(name)
    const floats = type.toFloats(this.#file.read(start, bytes))
    return permutedHeads === 0 ? floats : restoreRows(floats, shape[0]!, permutedHeads)
  }

  quantised(name: string): QuantisedRows | null {
    const { type, shape, start, bytes, permutedHeads } = this.#entry(name)
    if (type.name !== 'Q4_0' && type.name !== 'Q4_1' && type.name !== 'Q8_0') return null
    const stored = this.#file.read(start, bytes)
    const rows = permutedHeads === 0 ? stored : restoreRows(stored, shape[0]!, permutedHeads)
    return { type: type.name, shape: [...shape], bytes: rows }
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

function supportedArchitecture({ file, metadata }: GgufFile): GgufArchitecture {
  const named = metadata.get('general.architecture')
  const architecture = GGUF_ARCHITECTURES.find((supported) => supported === named)
  if (!architecture) {
    throw new EngineError('incompatible', `${file.path} has the architecture ${String(named)}`, {
      hint: `Supported: ${GGUF_ARCHITECTURES.join(', ')}`,
    })
  }
  const parts = metadata.get('split.count')
  if (typeof parts === 'number' && parts > 1) {
    throw new EngineError('incompatible', `${file.path} is one of ${parts} parts of a split model`, {
      hint: 'Join the parts with llama-gguf-split --merge.',
    })
  }
  return architecture
}

function tensorEntries(gguf: GgufFile, architecture: GgufArchitecture): Map<string, Entry> {
  const { file, metadata, dataStart, alignment } = gguf
  const heads = headCount(gguf, `${architecture}.attention.head_count`)
  const keyValueKey = `${architecture}.attention.head_count_kv`
  const keyValueHeads = metadata.has(keyValueKey) ? headCount(gguf, keyValueKey) : heads
  const interleaved = interleavesHeads(architecture)
  const entries = new Map<string, Entry>()
  let end = 0
  for (const tensor of [...gguf.tensors].sort((a, b) => a.offset - b.offset)) {
    const type = readableType(tensor.type)
    if (!type) {
      throw new EngineError(
        'incompatible',
        `Tensor ${tensor.name} in ${file.path} has the type ${typeName(tensor.type)}`,
        { hint: `Supported: ${READABLE_TYPE_NAMES.join(', ')}` },
      )
    }
    if (tensor.dimensions[0]! % type.blockSize !== 0) {
      throw invalidGguf(
        file,
        `tensor ${tensor.name} has rows of ${tensor.dimensions[0]} values in ${type.name}`,
      )
    }
    const elements = tensor.dimensions.reduce((product, size) => product * size, 1)
    const bytes = (elements / type.blockSize) * type.blockBytes
    if (tensor.offset % alignment !== 0) throw invalidGguf(file, `tensor ${tensor.name} is not aligned`)
    if (tensor.offset < end) throw invalidGguf(file, `tensor ${tensor.name} overlaps the one before`)
    end = tensor.offset + bytes
    if (dataStart + end > file.size) {
      throw invalidGguf(
        file,
        `tensor ${tensor.name} ends at byte ${dataStart + end} but the file at ${file.size}`,
      )
    }
    const hasFactors = tensor.name === ROPE_FACTORS && architecture !== 'gemma3'
    const name = hasFactors ? ROPE_FACTORS : huggingFaceName(architecture, tensor.name)
    if (name === null) {
      throw new EngineError(
        'incompatible',
        `Tensor ${tensor.name} in ${file.path} is no part of a model of architecture ${architecture}`,
        { hint: 'Supported: dense models with biases on q, k and v of qwen2 only; no experts' },
      )
    }
    if (entries.has(name)) throw invalidGguf(file, `it has tensor ${tensor.name} twice`)
    const rotated = /\.([qk])_proj\.weight$/.exec(name)
    entries.set(name, {
      type,
      shape: [...tensor.dimensions].reverse(),
      start: dataStart + tensor.offset,
      bytes,
      permutedHeads: interleaved && rotated ? (rotated[1] === 'q' ? heads : keyValueHeads) : 0,
    })
  }
  return entries
}

function headCount({ file, metadata }: GgufFile, key: string): number {
  const count = metadata.get(key)
  if (typeof count === 'number' && Number.isInteger(count) && count > 0) return count
  throw new EngineError('incompatible', `${file.path} has no single head count in ${key}`, {
    hint: 'Supported: the same number of heads in every layer',
  })
}

/**
 * Rows of q_proj or k_proj in Hugging Face's order.
 *
 * llama.cpp rotates neighbouring pairs of rows of a head, Hugging Face row i with row i + half: the converter
 * stores Hugging Face's row s · half + i of each head as row 2 · i + s.
 */
function restoreRows<Values extends Float32Array | Uint8Array>(
  stored: Values,
  rows: number,
  heads: number,
): Values {
  const width = stored.length / rows
  const half = rows / heads / 2
  if (!Number.isInteger(half)) {
    throw new EngineError('invalid-file', `${rows} rows of an attention weight do not make ${heads} heads`)
  }
  const restored = new (stored.constructor as new (length: number) => Values)(stored.length)
  for (let head = 0; head < heads; head++) {
    for (let s = 0; s < 2; s++) {
      for (let i = 0; i < half; i++) {
        const source = (head * 2 * half + 2 * i + s) * width
        restored.set(stored.subarray(source, source + width), (head * 2 * half + s * half + i) * width)
      }
    }
  }
  return restored
}

/** The licence that a GGUF file states of itself; null for none. */
export function ggufLicence(path: string): string | null {
  const source = openGguf(path)
  try {
    const licence = source.metadata.get('general.license')
    return typeof licence === 'string' ? licence : null
  } finally {
    source.close()
  }
}
