import { RegraftError } from '../../errors/index.ts'
import { isDigest } from '../../store/index.ts'

const ID = /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16})$/
const MEMBER = /^[a-zA-Z][a-zA-Z0-9]{0,31}$/

/**
 * Checks that a value that leaves the vault holds numbers, ids, digests and the given words, and no other text.
 * Throws 'internal' with the place, never with what stood there.
 */
export function checkOutlet(value: unknown, words: ReadonlySet<string>, place = 'the result'): void {
  const harmless = (text: string) => ID.test(text) || isDigest(text) || words.has(text)
  if (typeof value === 'string') {
    if (!harmless(value)) throw new RegraftError('internal', `${place} would carry text out of the vault`)
  } else if (value instanceof Map) {
    checkOutlet([...value], words, place)
  } else if (value instanceof Set || Array.isArray(value)) {
    let index = 0
    for (const member of value) checkOutlet(member, words, `${place}[${index++}]`)
  } else if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
    for (const [name, member] of Object.entries(value)) {
      if (!MEMBER.test(name) && !harmless(name)) {
        throw new RegraftError('internal', `a name in ${place} would carry text out of the vault`)
      }
      checkOutlet(member, words, `${place}.${name}`)
    }
  }
}
