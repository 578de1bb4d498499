/** A fitted classifier: gives a label for each text, in order. */
export interface Classifier {
  predict(texts: readonly string[]): string[]
}

/** Throws a RangeError unless there is at least one training text and a label for each. */
export function checkExamples(texts: readonly string[], labels: readonly string[]): void {
  if (texts.length !== labels.length) {
    throw new RangeError(`Each text needs one label: got ${texts.length} texts and ${labels.length} labels.`)
  }
  if (texts.length === 0) throw new RangeError('A classifier needs at least one training text.')
}
