// Prints the last line of `.ci/run`: node scripts/verify/closing-line.ts <folder of reports> <the test command failed: 0 or 1>
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { sumReports } from './reports.ts'

const [folder = '.', testsFailed = '0'] = process.argv.slice(2)
const { passed, failed, skipped } = sumReports(folder)
// A run that broke off before its report is a failure too.
const broken = testsFailed !== '0' && !existsSync(join(folder, 'test.json')) ? 1 : 0
console.log(`${passed} passed, ${failed + broken} failed, ${skipped} skipped`)
