import { EngineError } from '../errors.ts'
import { type GgufFile, type GgufMetadata, invalidGguf, readGgufFile } from './gguf-file.ts'
import { type GgmlType, READABLE_TYPE_NAMES, readableType, typeName } from './gguf-types.ts'
import type { TensorSource } from './types.ts'

/** The tensors of a GGUF file under Hugging Face's names and in its layout, with the file's metadata. */
export interface GgufSource extends TensorSource {
  readonly metadata: GgufMetadata
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
 * Opens a GGUF file of the llama architecture; tensors are converted to 32-bit floats when they are read.
 *
 * Names become Hugging Face's, and the row order that llama.cpp's converter gives q_proj and k_proj is undone.
 * Throws `invalid-file` when the file is truncated or corrupt, `incompatible` naming an architecture, tensor or
 * quantisation it does not support.
 */
export function openGguf(path: string): GgufSource {
  const gguf = readGgufFile(path)
  try {
    refuseOtherFiles(gguf)
    return new LlamaTensors(gguf, tensorEntries(gguf))
  } catch (error) {
    gguf.file.close()
    throw error
  }
}

class LlamaTensors implements GgufSource {
  readonly metadata: GgufMetadata
  readonly #file: GgufFile['file']
  readonly #entries: Map<string, Entry>

  constructor({ file, metadata }: GgufFile, entries: Map<string, Entry>) {
    this.#file = file
    this.#entries = entries
    this.metadata = metadata
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
    return this.#entry(name).type.name
  }

  read(name: string): Float32Array {
    const { type, shape, start, bytes, permutedHeads } = this.#entry(name)
    const floats = type.toFloats(this.#file.read(start, bytes))
    return permutedHeads === 0 ? floats : restoreRows(floats, shape[0]!, permutedHeads)
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

function refuseOtherFiles({ file, metadata }: GgufFile): void {
  const architecture = metadata.get('general.architecture')
  if (architecture !== 'llama') {
    throw new EngineError('incompatible', `${file.path} has the architecture ${String(architecture)}`, {
      hint: 'Supported: llama',
    })
  }
  const parts = metadata.get('split.count')
  if (typeof parts === 'number' && parts > 1) {
    throw new EngineError('incompatible', `${file.path} is one of ${parts} parts of a split model`, {
      hint: 'Join the parts with llama-gguf-split --merge.',
    })
  }
}

function tensorEntries(gguf: GgufFile): Map<string, Entry> {
  const { file, metadata, dataStart, alignment } = gguf
  const heads = headCount(gguf, 'llama.attention.head_count')
  const keyValueKey = 'llama.attention.head_count_kv'
  const keyValueHeads = metadata.has(keyValueKey) ? headCount(gguf, keyValueKey) : heads
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
    const name = huggingFaceName(tensor.name)
    if (name === null) {
      throw new EngineError(
        'incompatible',
        `Tensor ${tensor.name} in ${file.path} is no part of a plain Llama`,
        {
          hint: 'Supported: no attention or MLP bias, no rope scaling factors, no experts',
        },
      )
    }
    if (entries.has(name)) throw invalidGguf(file, `it has tensor ${tensor.name} twice`)
    entries.set(name, {
      type,
      shape: [...tensor.dimensions].reverse(),
      start: dataStart + tensor.offset,
      bytes,
      permutedHeads: name.endsWith('.q_proj.weight')
        ? heads
        : name.endsWith('.k_proj.weight')
          ? keyValueHeads
          : 0,
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

const MODEL_NAMES: Record<string, string> = {
  'token_embd.weight': 'model.embed_tokens.weight',
  'output_norm.weight': 'model.norm.weight',
  'output.weight': 'lm_head.weight',
}

const LAYER_NAMES: Record<string, string> = {
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
}

function huggingFaceName(name: string): string | null {
  if (Object.hasOwn(MODEL_NAMES, name)) return MODEL_NAMES[name]!
  const [, layer, part] = /^blk\.(\d+)\.(\w+)\.weight$/.exec(name) ?? []
  if (layer === undefined || part === undefined || !Object.hasOwn(LAYER_NAMES, part)) return null
  return `model.layers.${layer}.${LAYER_NAMES[part]}.weight`
}

/**
 * Rows of q_proj or k_proj in Hugging Face's order.
 *
 * llama.cpp rotates neighbouring pairs of rows of a head, Hugging Face row i with row i + half: the converter
 * stores Hugging Face's row s · half + i of each head as row 2 · i + s.
 */
function restoreRows(floats: Float32Array, rows: number, heads: number): Float32Array {
  const width = floats.length / rows
  const half = rows / heads / 2
  if (!Number.isInteger(half)) {
    throw new EngineError('invalid-file', `${rows} rows of an attention weight do not make ${heads} heads`)
  }
  const restored = new Float32Array(floats.length)
  for (let head = 0; head < heads; head++) {
    for (let s = 0; s < 2; s++) {
      for (let i = 0; i < half; i++) {
        const source = (head * 2 * half + 2 * i + s) * width
        restored.set(floats.subarray(source, source + width), (head * 2 * half + s * half + i) * width)
      }
    }
  }
  return restored
}
