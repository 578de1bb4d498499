import { type Classifier, checkExamples } from './classifier.ts'

/** Answers every text with the label that is most frequent in training; of equals, the one that came first. */
export function fitMajorityClass(texts: readonly string[], labels: readonly string[]): Classifier {
  checkExamples(texts, labels)
  const counts = new Map<string, number>()
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1)
  const most = Math.max(...counts.values())
  const answer = labels.find((label) => counts.get(label) === most)!
  return { predict: (asked) => asked.map(() => answer) }
}
