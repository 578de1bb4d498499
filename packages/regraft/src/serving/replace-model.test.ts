import fc from 'fast-check'
import { expect, test } from 'vitest'
import { replaceModel } from './replace-model.ts'

test('every byte but the model stays, also where other members are called model', () => {
  const json = `{"a":{"model":"x"},"b":["model","x"],"model" :\t"x","seed":12345678901234567890,"t":1.0,"c":"\\"model\\":\\"x\\""}`
  expect(replaceModel(json, 'y "z"')).toBe(json.replace('\t"x"', '\t"y \\"z\\""'))
})

test('for any request the parsed text is the request with another model', () => {
  const requests = fc.record({ model: fc.string(), rest: fc.dictionary(fc.string(), fc.jsonValue()) })
  fc.assert(
    fc.property(requests, fc.string(), fc.nat(3), ({ model, rest }, other, spaces) => {
      const request = { ...rest, model }
      const json = JSON.stringify(request, null, spaces)
      const expected = JSON.parse(JSON.stringify({ ...request, model: other }))
      expect(JSON.parse(replaceModel(json, other))).toEqual(expected)
    }),
  )
})

test('ten megabytes of an image are no difficulty', () => {
  const image = 'A'.repeat(10_000_000)
  expect(replaceModel(`{"image":"${image}","model":"x"}`, 'y')).toBe(`{"image":"${image}","model":"y"}`)
})
