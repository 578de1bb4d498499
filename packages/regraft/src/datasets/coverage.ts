import type { ScreenCoverage } from '@regraft/methods'

const TEXTS = { prompt: 'prompts', answer: 'answers' }

/** Says what each rung could not see, a line each. */
export function describeCoverage(coverage: readonly ScreenCoverage[]): string[] {
  const lines = coverage
    .filter(({ tooShort }) => tooShort > 0)
    .map(({ rung, text, words, covered, tooShort, repeated }) => {
      const all = covered + tooShort + repeated
      return `  ${count(tooShort)} of ${count(all)} ${TEXTS[text]} of items are too short for the rung '${rung}' (${words} words)`
    })
  const repeated = Math.max(0, ...coverage.map((rung) => rung.repeated))
  if (repeated > 0)
    lines.push(`  ${count(repeated)} answers of items are not compared: several items share them`)
  return lines
}

function count(value: number): string {
  return value.toLocaleString('en')
}
