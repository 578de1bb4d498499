import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KeyTable } from './key-table.ts'
import { Postings } from './postings.ts'

const key = fc.oneof(fc.nat(40), fc.maxSafeNat())

test('a table holds what a map would hold', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.nat(9)), { maxLength: 200 }), fc.array(key), (entries, others) => {
      const [table, map] = [new KeyTable(), new Map<number, number>()]
      for (const [each, value] of entries) {
        table.set(each, value)
        map.set(each, value)
      }
      expect(table.size).toBe(map.size)
      for (const each of [...map.keys(), ...others]) expect(table.get(each)).toBe(map.get(each) ?? -1)
    }),
  )
})

test('chains give every value of a key', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(5), fc.nat(99)), { maxLength: 200 }), (entries) => {
      const postings = new Postings()
      for (const [each, value] of entries) postings.add(each, value)
      for (let each = 0; each <= 6; each++) {
        const found: number[] = []
        for (let link = postings.first(each); link !== -1; link = postings.next(link))
          found.push(postings.value(link))
        expect(found.reverse()).toEqual(entries.filter(([own]) => own === each).map(([, value]) => value))
      }
    }),
  )
})
