import { CharTfidf, type CharTfidfOptions } from '../text/char-tfidf.ts'
import { type Classifier, checkExamples } from './classifier.ts'

/**
 * Answers each text with the label of the training text whose character TF-IDF vector has the largest cosine with its own.
 * Of equally near training texts the first one counts; a text that shares no n-gram with any gets the first label.
 * Source: Cover and Hart 1967, "Nearest Neighbor Pattern Classification".
 */
export function fitNearestNeighbour(
  texts: readonly string[],
  labels: readonly string[],
  options: CharTfidfOptions = {},
): Classifier {
  checkExamples(texts, labels)
  const vectorizer = new CharTfidf(texts, options)
  const postings: { rows: number[]; values: number[] }[] = Array.from({ length: vectorizer.size }, () => ({
    rows: [],
    values: [],
  }))
  for (const [row, text] of texts.entries()) {
    const { indices, values } = vectorizer.transform(text)
    for (const [at, feature] of indices.entries()) {
      postings[feature]!.rows.push(row)
      postings[feature]!.values.push(values[at]!)
    }
  }
  const predictOne = (text: string): string => {
    const cosines = new Float64Array(texts.length)
    const { indices, values } = vectorizer.transform(text)
    for (const [at, feature] of indices.entries()) {
      const { rows, values: known } = postings[feature]!
      for (let entry = 0; entry < rows.length; entry++) cosines[rows[entry]!]! += values[at]! * known[entry]!
    }
    let best = 0
    for (let row = 1; row < cosines.length; row++) if (cosines[row]! > cosines[best]!) best = row
    return labels[best]!
  }
  return { predict: (asked) => asked.map(predictOne) }
}
