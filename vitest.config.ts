import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** `.ci/run` counts tests from these reports. */
const reports = process.env.REGRAFT_TEST_REPORTS

// Forks, not threads: ONNX Runtime aborts the process when a thread is ended in the middle of a run.
export default defineConfig({
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'packages/regraft/samples/**/*.test.ts',
      'scripts/**/*.test.ts',
      'tests/*.test.ts',
    ],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: reports ? ['default', ['json', { outputFile: join(reports, 'test.json') }]] : ['default'],
  },
})
