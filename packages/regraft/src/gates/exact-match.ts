/**
 * Scores an answer against the expected one: equal once outer white space, case and a closing full stop are dropped.
 * Anything else around the answer counts as wrong: a product would have to parse it.
 */
export function isExactMatch(answer: string, expected: string): boolean {
  return canonicalAnswer(answer) === canonicalAnswer(expected)
}

export function canonicalAnswer(text: string): string {
  return text.trim().replace(/\.$/, '').toLowerCase()
}
