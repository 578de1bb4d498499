import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { openSafetensors, type TensorToWrite, writeSafetensors } from './safetensors.ts'

const folder = mkdtempSync(join(tmpdir(), 'safetensors-'))
afterAll(() => rmSync(folder, { recursive: true }))

let count = 0
const freshPath = () => join(folder, `${count++}.safetensors`)

/** A file with the given header text and body, written by hand. */
function rawFile(header: string | Uint8Array, body = new Uint8Array(0), declared?: bigint): string {
  const bytes = Buffer.from(header)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(declared ?? BigInt(bytes.length))
  const path = freshPath()
  writeFileSync(path, Buffer.concat([length, bytes, body]))
  return path
}

const entry = (shape: number[], start: number, end: number, dtype = 'F32') => ({
  dtype,
  shape,
  data_offsets: [start, end],
})

test('reads a file that the reference implementation wrote', () => {
  // safetensors.numpy.save({'b': np.array([[1, -2.5], [3e-5, 0]], 'f4'), 'a': np.array([0.1, 65504, -1e-7], 'f2')},
  // {'format': 'pt'}) with safetensors 0.8.0 for Python.
  const path = freshPath()
  writeFileSync(
    path,
    Buffer.from(
      'kAAAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJmb3JtYXQiOiJwdCJ9LCJiIjp7ImR0eXBlIjoiRjMyIiwic2hhcGUiOlsyLDJdLCJkYXRhX29mZnNldHMiOlswLDE2XX0sImEiOnsiZHR5cGUiOiJGMTYiLCJzaGFwZSI6WzNdLCJkYXRhX29mZnNldHMiOlsxNiwyMl19fSAAAIA/AAAgwIKo+zcAAAAAZi7/ewKA',
      'base64',
    ),
  )
  const source = openSafetensors(path)
  expect(source.names().sort()).toEqual(['a', 'b'])
  expect(source.metadata).toEqual({ format: 'pt' })
  expect([source.dtype('a'), source.dtype('b')]).toEqual(['F16', 'F32'])
  expect(source.shape('b')).toEqual([2, 2])
  expect([...source.read('b')]).toEqual([1, -2.5, Math.fround(3e-5), 0])
  expect([...source.read('a')]).toEqual([0.0999755859375, 65504, -1.1920928955078125e-7])
  source.close()
})

test('any tensors come back as they were written', () => {
  const tensor = fc
    .record({
      name: fc.string({ minLength: 1, maxLength: 12 }).filter((name) => name !== '__metadata__'),
      shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
      values: fc.array(fc.float(), { minLength: 64, maxLength: 64 }),
    })
    .map(({ name, shape, values }): TensorToWrite => {
      const size = shape.reduce((product, length) => product * length, 1)
      return { name, shape, dtype: 'F32', data: Float32Array.from(values.slice(0, size)) }
    })
  const tensors = fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 6 })
  fc.assert(
    fc.property(tensors, (written) => {
      const path = freshPath()
      writeSafetensors(path, written)
      const source = openSafetensors(path)
      expect(source.names()).toHaveLength(written.length)
      for (const { name, shape, data } of written) {
        expect(source.shape(name)).toEqual(shape)
        expect(source.read(name)).toEqual(data)
      }
      source.close()
    }),
    { numRuns: 40 },
  )
})

test('the bytes depend neither on the order of tensors nor on that of metadata', () => {
  const tensors: TensorToWrite[] = [
    { name: 'z', shape: [3], dtype: 'F16', data: Float32Array.of(1, 2, 3) },
    { name: 'a', shape: [1], dtype: 'BF16', data: Float32Array.of(4) },
    { name: 'm', shape: [2, 1], dtype: 'F32', data: Float32Array.of(5, 6) },
  ]
  const [first, second] = [freshPath(), freshPath()]
  writeSafetensors(first, tensors, { b: '2', a: '1' })
  writeSafetensors(second, [...tensors].reverse(), { a: '1', b: '2' })
  const bytes = readFileSync(first)
  expect(readFileSync(second)).toEqual(bytes)
  expect(bytes.readUInt32LE(0) % 8).toBe(0)
  expect(bytes.subarray(8).toString('latin1')).toMatch(
    /^\{"__metadata__":\{"a":"1","b":"2"\},"m":\{"dtype":"F32","shape":\[2,1\],"data_offsets":\[0,8\]\},"a":/,
  )
})

test('a failed write leaves neither the file nor a temporary one', () => {
  const before = readdirSync(folder)
  const wrong: TensorToWrite = { name: 'w', shape: [2, 2], dtype: 'F32', data: new Float32Array(3) }
  expect(() => writeSafetensors(freshPath(), [wrong])).toThrow('Tensor w has 3 values')
  expect(() => writeSafetensors(join(folder, 'missing', 'x.safetensors'), [])).toThrow('ENOENT')
  expect(readdirSync(folder)).toEqual(before)
})

test('a file truncated anywhere is refused', () => {
  const path = freshPath()
  writeSafetensors(path, [{ name: 'w', shape: [4], dtype: 'F32', data: Float32Array.of(1, 2, 3, 4) }])
  const bytes = readFileSync(path)
  for (let length = 0; length < bytes.length; length++) {
    writeFileSync(path, bytes.subarray(0, length))
    expect(() => openSafetensors(path), `${length} bytes`).toThrow('is not a valid safetensors file')
  }
})

test.each([
  ['a tensor that overlaps', { a: entry([2], 0, 8), b: entry([2], 4, 12) }, 12, 'b overlaps the one before'],
  ['a hole', { a: entry([1], 0, 4), b: entry([1], 8, 12) }, 12, 'b leaves a hole before it'],
  ['a tensor outside the file', { a: entry([4], 0, 16) }, 8, 'end at byte'],
  ['bytes after the last tensor', { a: entry([1], 0, 4) }, 8, 'end at byte'],
  ['a length that contradicts the shape', { a: entry([3], 0, 8) }, 8, 'spans 8 bytes but F32 [3] needs 12'],
  ['a reversed range', { a: entry([0], 8, 4) }, 8, 'ends at 4, before its start at 8'],
  ['a negative size', { a: entry([-1, -1], 0, 4) }, 4, 'invalid shape'],
  ['a fractional offset', { a: entry([1], 0.5, 4.5) }, 4, 'invalid offsets'],
  ['a shape whose product overflows', { a: entry([2 ** 40, 2 ** 40], 0, 4) }, 4, 'spans 4 bytes'],
  ['an unknown type', { a: entry([1], 0, 4, 'F31') }, 4, 'unknown type "F31"'],
  ['metadata that is not text', { __metadata__: { a: 1 } }, 0, '__metadata__ must map text to text'],
  ['no object', [1], 0, 'no JSON object'],
])('refuses a header with %s', (_case, header, bodyLength, message) => {
  const path = rawFile(JSON.stringify(header), new Uint8Array(bodyLength))
  expect(() => openSafetensors(path)).toThrow(message)
})

test('refuses a header that is longer than the file, no JSON or no UTF-8', () => {
  expect(() => openSafetensors(rawFile('{}', undefined, 3n))).toThrow(
    'claims 3 bytes but the file ends after 10',
  )
  expect(() => openSafetensors(rawFile('{}', undefined, 2n ** 63n))).toThrow(
    'claims 9223372036854775808 bytes',
  )
  expect(() => openSafetensors(rawFile('{"a":'))).toThrow('no valid JSON')
  expect(() => openSafetensors(rawFile(Uint8Array.of(0x22, 0xff, 0x22)))).toThrow('no valid JSON')
})

test('opens a file with an integer tensor but names its type when it is read', () => {
  const header = { ids: entry([1], 0, 8, 'I64'), w: entry([1], 8, 12) }
  const source = openSafetensors(rawFile(JSON.stringify(header), new Uint8Array(12)))
  expect(source.read('w')).toEqual(Float32Array.of(0))
  expect(() => source.read('ids')).toThrow('Tensor ids in')
  expect(() => source.read('ids')).toThrow('type I64')
  expect(() => source.read('x')).toThrow('No tensor x')
  source.close()
})
