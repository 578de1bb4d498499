// Protocol Buffers wire format (protobuf.dev, "Encoding"), only what an ONNX ModelProto needs: varints, 32-bit
// floats and length-delimited fields.

const LENGTH_DELIMITED = 2
const FIXED32 = 5

/** Collects the fields of one protobuf message. */
export class Message {
  #chunks: Uint8Array[] = []

  integer(field: number, value: number | bigint): this {
    this.#chunks.push(varint(field << 3), varint(value))
    return this
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4)
    new DataView(bytes.buffer).setFloat32(0, value, true)
    this.#chunks.push(varint((field << 3) | FIXED32), bytes)
    return this
  }

  bytes(field: number, value: Uint8Array): this {
    this.#chunks.push(varint((field << 3) | LENGTH_DELIMITED), varint(value.byteLength), value)
    return this
  }

  text(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value, 'utf8'))
  }

  message(field: number, value: Message): this {
    return this.bytes(field, value.encode())
  }

  encode(): Uint8Array {
    return Buffer.concat(this.#chunks)
  }
}

function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}
