// The suites that `npm run verify` runs beside `npm test`, one suite after the other: they kill, flood and wait.
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

const report = process.env.REGRAFT_VERIFY_REPORT

export default defineConfig({
  test: {
    root: join(import.meta.dirname, '../..'),
    include: ['tests/**/*.test.ts', 'packages/*/src/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: Number(process.env.REGRAFT_VERIFY_WORKERS ?? 1),
    testTimeout: 300_000,
    hookTimeout: 120_000,
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
  },
})
