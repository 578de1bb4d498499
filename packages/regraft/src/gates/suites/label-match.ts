/**
 * 1 for an answer that equals the expected one once outer white space, case and a closing full stop are dropped, else 0.
 * Anything else around the answer counts as wrong: a product would have to parse it.
 */
export function labelMatch(answer: string, { expected }: { expected: string }): number {
  return canonicalAnswer(answer) === canonicalAnswer(expected) ? 1 : 0
}

function canonicalAnswer(text: string): string {
  return text.trim().replace(/\.$/, '').toLowerCase()
}
