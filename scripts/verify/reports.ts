import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Counts {
  passed: number
  failed: number
  skipped: number
}

/** What this reads of vitest's JSON reporter. */
interface VitestReport {
  success: boolean
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  testResults: { status: string; assertionResults: unknown[] }[]
}

/** The tests of one report; a file that could not be loaded, and a run that failed without a test, count as one. */
export function countTests(path: string): Counts {
  if (!existsSync(path)) return { passed: 0, failed: 1, skipped: 0 }
  const report = JSON.parse(readFileSync(path, 'utf8')) as VitestReport
  const unloaded = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  ).length
  const failed = report.numFailedTests + unloaded
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && !report.success ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  }
}

/** The sum over all reports of a folder: those of vitest, and the checks of `verify` that are no tests. */
export function sumReports(folder: string): Counts {
  const sum: Counts = { passed: 0, failed: 0, skipped: 0 }
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    const counts =
      name === CHECKS_REPORT ? (JSON.parse(readFileSync(path, 'utf8')) as Counts) : countTests(path)
    for (const key of ['passed', 'failed', 'skipped'] as const) sum[key] += counts[key]
  }
  return sum
}

export const CHECKS_REPORT = 'checks.json'
