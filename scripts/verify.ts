// What takes longer than `npm test`: npm run verify, or only some of it: npm run verify -- kill browser
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Check, checks, type Outcome } from './verify/checks.ts'
import { CHECKS_REPORT } from './verify/reports.ts'

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !checks.some((check) => check.name === name))
if (unknown.length > 0) {
  console.error(`there is no check '${unknown[0]}'; there are: ${checks.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}

// So that whatever is running ends with this process.
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.on(signal, () => process.exit(code))
}

const results: { check: Check; outcome: Outcome; seconds: number }[] = []
for (const check of checks) {
  if (wanted.length > 0 && !wanted.includes(check.name)) continue
  console.log(`\n=== ${check.name}: ${check.title}`)
  const started = performance.now()
  const outcome = await check.run()
  results.push({ check, outcome, seconds: (performance.now() - started) / 1000 })
}

console.log('\n=== what was verified')
for (const { check, outcome, seconds } of results) {
  const state = outcome.state === 'passed' ? 'passed' : outcome.state.toUpperCase()
  console.log(
    `${check.name.padEnd(10)} ${state.padEnd(8)} ${seconds.toFixed(0).padStart(4)} s  ${outcome.detail}`,
  )
}
const total = results.reduce((sum, { seconds }) => sum + seconds, 0)
console.log(`${'in all'.padEnd(19)} ${total.toFixed(0).padStart(4)} s`)

const reports = process.env.REGRAFT_TEST_REPORTS
if (reports) {
  // Suites have reports of their own; the other checks count as one each.
  const count = (state: Outcome['state']) =>
    results.filter(({ outcome }) => outcome.tests === undefined && outcome.state === state).length
  const counts = { passed: count('passed'), failed: count('failed'), skipped: count('skipped') }
  writeFileSync(join(reports, CHECKS_REPORT), JSON.stringify(counts))
}
process.exitCode = results.some(({ outcome }) => outcome.state === 'failed') ? 1 : 0
