const SPACE = /[ \t\r\n]*/y
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const LITERAL = /true|false|null/y
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y

/** Where a text stops being JSON: a 0-based offset and what was expected there. */
export interface JsonError {
  offset: number
  expected: string
}

/**
 * Finds the first place at which a text is not JSON (RFC 8259); null when all of it is.
 *
 * JSON.parse names no position for many errors, and an import must say which column to look at.
 */
export function findJsonError(text: string): JsonError | null {
  const open: ('{' | '[')[] = []
  let at = 0
  let error: JsonError | null = null
  const fail = (expected: string, offset = at): false => {
    error = { offset, expected }
    return false
  }
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at
    if (!pattern.test(text)) return false
    at = pattern.lastIndex
    return true
  }
  const string = (): boolean => {
    for (at += 1; at < text.length; ) {
      const character = text[at]!
      if (character === '"') {
        at += 1
        return true
      }
      if (character === '\\') {
        if (!take(ESCAPE)) return fail('a valid escape such as \\" or \\n')
      } else if (character < ' ') return fail('an escaped control character')
      else at += 1
    }
    return fail('the closing quote of a string')
  }
  const key = (): boolean => {
    if (text[at] !== '"') return fail('a property name in double quotes')
    if (!string()) return false
    take(SPACE)
    if (text[at] !== ':') return fail("':' after a property name")
    at += 1
    return true
  }
  /** Reads one value; of an array or object only its opening, whose contents the loop below goes on with. */
  const value = (): 'complete' | 'opened' | 'failed' => {
    take(SPACE)
    const first = text[at]
    if (first === '"') return string() ? 'complete' : 'failed'
    if (first === '{' || first === '[') {
      at += 1
      take(SPACE)
      if (text[at] === (first === '{' ? '}' : ']')) {
        at += 1
        return 'complete'
      }
      open.push(first)
      return first === '[' || key() ? 'opened' : 'failed'
    }
    if (take(NUMBER) || take(LITERAL)) return 'complete'
    fail('a value')
    return 'failed'
  }
  for (;;) {
    const state = value()
    if (state === 'failed') return error
    if (state === 'opened') continue
    for (;;) {
      take(SPACE)
      const container = open.at(-1)
      if (container === undefined)
        return at === text.length ? null : { offset: at, expected: 'the end of the line' }
      const close = container === '{' ? '}' : ']'
      if (text[at] === close) {
        at += 1
        open.pop()
        continue
      }
      if (text[at] !== ',') return { offset: at, expected: `',' or '${close}'` }
      at += 1
      take(SPACE)
      if (container === '{' && !key()) return error
      break
    }
  }
}
