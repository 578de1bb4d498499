import { rowsToDrop } from '../paraphrase.ts'
import { VERDICTS } from '../paraphrase-judge.ts'
import type { ScreenContext, Stage } from './stage.ts'

/** Leaves out rows that were measured to paraphrase an item of a suite, or, unless that was asked for, only counts them. */
export const paraphrases: Stage<ScreenContext> = (
  rows,
  { paraphrases: measured, parameters, drop, findings },
) => {
  if (measured.length === 0) return rows
  const drops = parameters.dropParaphrases
  let clean = rows
  findings.paraphrases = measured.map(({ digest, measurement }) => {
    const { embedder, threshold, pairs, judge } = measurement
    const near = rowsToDrop(pairs)
    const resembling = clean.filter(({ inference }) => near.has(inference.id))
    if (drops) {
      for (const row of resembling)
        drop(row, 'evaluation-paraphrase', { of: near.get(row.inference.id)!.item, rungs: ['paraphrase'] })
      const left = new Set(resembling)
      clean = clean.filter((row) => !left.has(row))
    }
    const verdicts = VERDICTS.map((verdict) => [
      verdict,
      pairs.filter((pair) => pair.verdict === verdict).length,
    ])
    return {
      ...{ measurement: digest, embedder: embedder.name, threshold },
      rows: resembling.length,
      dropped: drops,
      ...(judge ? { judged: Object.fromEntries(verdicts) as Record<string, number> } : {}),
    }
  })
  return clean
}
