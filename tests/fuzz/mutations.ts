import fc from 'fast-check'

/** One seed for all of it, so that a failure here is a failure everywhere; change it to look elsewhere. */
const SEED = 20_260_301

/** So many examples, the same ones on every machine. */
export function examples(count: number) {
  return { seed: SEED, numRuns: count, endOnFailure: true } as const
}

const INTERESTING = [
  0n,
  1n,
  0x7fn,
  0xffn,
  0x7fff_ffffn,
  0xffff_ffffn,
  1n << 40n,
  (1n << 63n) - 1n,
  (1n << 64n) - 1n,
]

type Mutation = (bytes: Buffer) => Buffer

/** Evenly from 0 to 1: fc.double draws mostly numbers next to zero, so that only the first byte would be hit. */
const share = fc.integer({ min: 0, max: 1_000_000 }).map((millionths) => millionths / 1_000_000)

/** A place in a file, as a share of it: more of them in the first third, where headers are. */
const place = fc.oneof(
  share.map((whole) => whole / 3),
  share,
)
const at = (bytes: Buffer, share: number) => Math.min(bytes.length - 1, Math.floor(share * bytes.length))

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(place, fc.nat(7)).map(([share, bit]) => (bytes: Buffer) => {
    if (bytes.length > 0) bytes[at(bytes, share)]! ^= 1 << bit
    return bytes
  }),
  fc.tuple(place, fc.uint8Array({ minLength: 1, maxLength: 12 })).map(([share, put]) => (bytes: Buffer) => {
    if (bytes.length > 0) bytes.set(put.subarray(0, bytes.length - at(bytes, share)), at(bytes, share))
    return bytes
  }),
  fc
    .tuple(place, fc.constantFrom(...INTERESTING), fc.constantFrom(1, 4, 8))
    .map(([share, value, size]) => (bytes: Buffer) => {
      const position = at(bytes, share)
      for (let i = 0; i < size && position + i < bytes.length; i++)
        bytes[position + i] = Number((value >> BigInt(8 * i)) & 0xffn)
      return bytes
    }),
  fc.tuple(place, fc.uint8Array({ minLength: 1, maxLength: 64 })).map(([share, put]) => (bytes: Buffer) => {
    const position = Math.max(0, at(bytes, share))
    return Buffer.concat([bytes.subarray(0, position), put, bytes.subarray(position)])
  }),
  fc.tuple(place, fc.integer({ min: 1, max: 200 })).map(([share, count]) => (bytes: Buffer) => {
    const position = Math.max(0, at(bytes, share))
    return Buffer.concat([bytes.subarray(0, position), bytes.subarray(position + count)])
  }),
  fc.tuple(place, place, fc.integer({ min: 1, max: 100 })).map(([from, to, count]) => (bytes: Buffer) => {
    if (bytes.length === 0) return bytes
    const piece = bytes.subarray(at(bytes, from), at(bytes, from) + count)
    const position = at(bytes, to)
    return Buffer.concat([bytes.subarray(0, position), piece, bytes.subarray(position)])
  }),
  share.map((kept) => (bytes: Buffer) => bytes.subarray(0, Math.floor(kept * bytes.length))),
)

/** Some mutations of a valid file, one after the other. */
export function mutated(valid: Uint8Array, most = 4): fc.Arbitrary<Buffer> {
  return fc
    .array(mutation, { minLength: 1, maxLength: most })
    .map((mutations) => mutations.reduce((bytes, mutate) => Buffer.from(mutate(bytes)), Buffer.from(valid)))
}
