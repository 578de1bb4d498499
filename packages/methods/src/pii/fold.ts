const SPACES = /[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/g
const DASHES = /[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]/g
/** Decimal digits of other scripts, in the basic plane: each is one UTF-16 unit, as its replacement is. */
const OTHER_DIGITS = /(?![0-9])[\p{Nd}--[\u{10000}-\u{10ffff}]]/gv
const NOT_ASCII = /[^\0-\x7f]/

/**
 * Brings digits, spaces, dashes and the full-width forms of `+ . / @ ( )` to ASCII. The length stays: offsets in the result
 * are offsets in the text.
 */
export function foldSymbols(text: string): string {
  if (!NOT_ASCII.test(text)) return text
  return text
    .replace(SPACES, ' ')
    .replace(DASHES, '-')
    .replace(/[\uff08\uff09\uff0b\uff0e\uff0f\uff20]/g, (wide) =>
      String.fromCharCode(wide.charCodeAt(0) - 0xfee0),
    )
    .replace(OTHER_DIGITS, digitValue)
}

/** The digits of a script are ten consecutive characters: counting down to the first gives the value. */
function digitValue(digit: string): string {
  const code = digit.charCodeAt(0)
  let value = 0
  while (value < 9 && /\p{Nd}/u.test(String.fromCharCode(code - value - 1))) value++
  return String(value)
}
