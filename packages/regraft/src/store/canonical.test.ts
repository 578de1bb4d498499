import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalBytes, canonicalText } from './canonical.ts'
import { digestOf, digestOfBytes } from './digest.ts'

test('the example of RFC 8785 has the bytes that the RFC prints', () => {
  // RFC 8785 (2020), sections 3.2.2 to 3.2.4.
  const value = JSON.parse(String.raw`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  }`)
  expect(canonicalText(value)).toBe(
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
      '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  )
})

test('canonical bytes parse to the value, and do not depend on the order of keys', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()), (value) => {
      const bytes = canonicalBytes(value)
      expect(JSON.parse(new TextDecoder().decode(bytes))).toEqual(JSON.parse(JSON.stringify(value)))
      const reordered = Object.fromEntries(Object.entries(value).reverse())
      expect(canonicalBytes(reordered)).toEqual(bytes)
    }),
  )
})

test('what has no canonical form is refused, naming the place of a lone surrogate', () => {
  expect(() => canonicalText({ a: ['ok', { b: '\udc00' }] })).toThrow('$.a[1].b holds a lone surrogate')
  expect(() => canonicalText({ '\ud800': 1 })).toThrow('A key of $ holds a lone surrogate')
  expect(() => canonicalText({ a: Number.NaN })).toThrow('NaN')
  expect(() => canonicalText(undefined)).toThrow('undefined')
})

test('kind, schema version and bytes each change the digest, and none can pass for another', () => {
  const bytes = Buffer.from('1\u00002')
  const digests = [
    digestOf('run', 1, bytes),
    digestOf('run', 11, bytes),
    digestOf('runs', 1, bytes),
    digestOf('run', 1, Buffer.from('1\u00003')),
    digestOfBytes(bytes),
  ]
  expect(new Set(digests).size).toBe(5)
  expect(() => digestOf('run\0', 1, bytes)).toThrow()
  expect(() => digestOf('run', 1.5, bytes)).toThrow()
})
