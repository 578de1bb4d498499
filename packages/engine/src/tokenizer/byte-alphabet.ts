/**
 * GPT-2's byte alphabet: each byte stands as one printable character, so that a token is ordinary text in JSON.
 * Radford et al., "Language Models are Unsupervised Multitask Learners" (2019).
 */

function isPrintable(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae
}

/** Character of each byte: printable Latin-1 stands for itself, the others follow from U+0100 on. */
export const BYTE_CHARACTERS: readonly string[] = (() => {
  let next = 0x100
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : next++))
})()

const CHARACTER_BYTES = new Map(BYTE_CHARACTERS.map((character, byte) => [character, byte]))

/** Bytes of a token written in the byte alphabet, or null when it has a character outside it. */
export function alphabetToBytes(token: string): Uint8Array | null {
  const bytes = new Uint8Array(token.length)
  for (let i = 0; i < token.length; i++) {
    const byte = CHARACTER_BYTES.get(token[i]!)
    if (byte === undefined) return null
    bytes[i] = byte
  }
  return bytes
}
