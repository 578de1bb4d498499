/** Characters that separate words: punctuation, white space, controls, modifier symbols, pictographs. */
const SEPARATORS = /[\p{P}\p{Z}\p{C}\p{Sk}\p{So}]+/gu

/** Invisible characters (soft hyphen, zero-width space, byte order mark, variation selectors …). */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu

/**
 * Brings a text to the form in which two copies of it are equal.
 *
 * Unicode compatibility composition (NFKC), invisible characters removed, full case folding ("STRASSE" equals "Straße",
 * a final sigma equals any sigma), and every run of punctuation, white space, controls, emoji and
 * modifier symbols replaced by one space, none at the ends. Letters, marks, digits, currency and mathematical symbols stay,
 * so that "1+1" and "1-1", "€5" and "$5" stay different. Applying it twice changes nothing more.
 * A lone surrogate counts as a separator. Characters newer than the running Node's Unicode tables count as separators too.
 *
 * Source: Unicode Standard Annex 15 and section 3.13 of the standard (NFKC_Casefold, approximated by
 * upper- then lower-casing, which also makes the dotless i equal to i).
 */
export function normalizeText(text: string): string {
  const composed = text.normalize('NFKC').replace(INVISIBLE, '')
  const folded = composed.toUpperCase().toLowerCase().replaceAll('ς', 'σ').normalize('NFKC')
  return folded.replace(SEPARATORS, ' ').trim()
}
