/** How much of a suite a rung can see; see ScreenCoverage. Snapshots up to version 5 compared prompts only. */
interface RungCoverage {
  rung: string
  text?: 'prompt' | 'answer'
  words: number
  covered: number
  tooShort: number
  repeated?: number
}

/** Says what each rung could not see, a line each. */
export function describeCoverage(coverage: readonly RungCoverage[]): string[] {
  const prompts = coverage.filter(({ text }) => text !== 'answer')
  const answers = coverage.filter(({ text }) => text === 'answer')
  const lines = prompts.filter(({ tooShort }) => tooShort > 0).map((rung) => describeRung(rung, 'items'))
  if (answers.some(({ covered }) => covered > 0)) {
    lines.push(
      ...answers.filter(({ tooShort }) => tooShort > 0).map((rung) => describeRung(rung, 'answers of items')),
    )
  } else if (answers.length > 0) {
    const least = Math.min(...answers.map(({ words }) => words))
    lines.push(
      `  answers are not compared: they are shorter than ${least} words, or several items share them`,
    )
    return lines
  }
  const repeated = answers[0]?.repeated ?? 0
  if (repeated > 0) lines.push(`  ${count(repeated)} answers are not compared: several items share them`)
  return lines
}

function describeRung({ rung, words, covered, tooShort, repeated = 0 }: RungCoverage, texts: string): string {
  const all = covered + tooShort + repeated
  return `  ${count(tooShort)} of ${count(all)} ${texts} are too short for the rung '${rung}' (${words} words)`
}

function count(value: number): string {
  return value.toLocaleString('en')
}
