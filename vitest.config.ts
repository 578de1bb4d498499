import { join } from 'node:path'
import { configDefaults, defineConfig } from 'vitest/config'
import { SLOW_TESTS } from './scripts/verify/slow-tests.ts'

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
    exclude: [...configDefaults.exclude, ...SLOW_TESTS],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: reports ? ['default', ['json', { outputFile: join(reports, 'test.json') }]] : ['default'],
  },
})
