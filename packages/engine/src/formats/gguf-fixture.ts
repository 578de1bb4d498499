import { writeFileSync } from 'node:fs'

/** Value types of the GGUF format by name. */
const TYPES = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9, uint64: 10 } as const

export type GgufFixtureValue =
  | { type: 'uint32' | 'int32' | 'float32' | 'uint64'; value: number }
  | { type: 'bool'; value: boolean }
  | { type: 'string'; value: string }
  | { type: 'strings'; value: string[] }
  | { type: 'int32s' | 'float32s'; value: number[] }

export interface GgufFixtureTensor {
  name: string
  /** Fastest dimension first. */
  dimensions: number[]
  /** ggml's number: 0 F32, 1 F16, 2 Q4_0, 3 Q4_1, 8 Q8_0, 30 BF16. */
  type: number
  bytes: Uint8Array
  /** Overrides the offset that the tensor really has. */
  offset?: number
}

/** Writes a small GGUF file for tests, version 3 with an alignment of 32 unless told otherwise. */
export function writeGgufFixture(
  path: string,
  metadata: Record<string, GgufFixtureValue>,
  tensors: readonly GgufFixtureTensor[],
  version = 3,
): void {
  const parts: Buffer[] = [Buffer.from('GGUF'), uint32(version), uint64(tensors.length)]
  parts.push(uint64(Object.keys(metadata).length))
  for (const [key, entry] of Object.entries(metadata)) parts.push(string(key), encode(entry))
  let offset = 0
  for (const tensor of tensors) {
    parts.push(string(tensor.name), uint32(tensor.dimensions.length), ...tensor.dimensions.map(uint64))
    parts.push(uint32(tensor.type), uint64(tensor.offset ?? offset))
    offset += Math.ceil(tensor.bytes.length / 32) * 32
  }
  parts.push(padding(parts))
  for (const tensor of tensors) {
    parts.push(Buffer.from(tensor.bytes))
    parts.push(padding(parts))
  }
  writeFileSync(path, Buffer.concat(parts))
}

function encode(entry: GgufFixtureValue): Buffer {
  switch (entry.type) {
    case 'strings':
      return list(TYPES.string, entry.value.map(string))
    case 'int32s':
      return list(TYPES.int32, entry.value.map(int32))
    case 'float32s':
      return list(TYPES.float32, entry.value.map(float32))
    case 'string':
      return Buffer.concat([uint32(TYPES.string), string(entry.value)])
    case 'bool':
      return Buffer.concat([uint32(TYPES.bool), Buffer.of(Number(entry.value))])
    default: {
      const write = { uint32, int32, float32, uint64 }[entry.type]
      return Buffer.concat([uint32(TYPES[entry.type]), write(entry.value)])
    }
  }
}

function list(elementType: number, elements: Buffer[]): Buffer {
  return Buffer.concat([uint32(TYPES.array), uint32(elementType), uint64(elements.length), ...elements])
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([uint64(bytes.length), bytes])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}

function float32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(value)
  return bytes
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}

function padding(parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  return Buffer.alloc(Math.ceil(length / 32) * 32 - length)
}
