import { isIP } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { detectIps } from './ip.ts'

const found = (text: string) => detectIps(text).map(({ start, end }) => text.slice(start, end))

test('addresses are found in sentences, with ports and in brackets', () => {
  expect(found('From 81.2.69.142, then 81.2.69.143:8080 and [2a02:cf40::1]:443.')).toEqual([
    '81.2.69.142',
    '81.2.69.143',
    '2a02:cf40::1',
  ])
  expect(found('::ffff:81.2.69.142 fe80::1%eth0 2001:DB8:0:0:8:800:200C:417A')).toEqual([
    '::ffff:81.2.69.142',
    'fe80::1',
    '2001:DB8:0:0:8:800:200C:417A',
  ])
})

test('versions, times, ratios and names in programs are no addresses', () => {
  for (const text of [
    'version 1.2.3.4',
    'v1.2.3.4',
    'chapter 1.2.3.4',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.02.03.04',
    'at 12:30:45',
    'std::dec ab::cd',
    '10:1',
    '1.2.3',
    'a:b:c:d',
  ]) {
    expect(found(text)).toEqual([])
  }
})

test('private addresses have less confidence than public ones', () => {
  const [home, world] = detectIps('192.168.0.7 and 81.2.69.142')
  expect(home!.confidence).toBeLessThan(world!.confidence)
})

test("every IPv6 address that Node's own parser accepts is found, if it has a digit", () => {
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      expect(isIP(address)).toBe(6)
      fc.pre(/\d/.test(address) && address.replaceAll(':', '').length > 2)
      expect(found(`from ${address} today`)).toEqual([address])
    }),
  )
})

test('whatever is found is an address to Node too', () => {
  const pieces = fc.constantFrom('1', '25', '255', '::', ':', '.', 'ab', 'f00', ' ', '0', '300')
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 20 }), (parts) => {
      for (const address of found(parts.join(''))) expect(isIP(address)).toBeGreaterThan(0)
    }),
  )
})
