import { defineConfig } from 'vitest/config'

// Forks, not threads: ONNX Runtime aborts the process when a thread is ended in the middle of a run.
export default defineConfig({
  test: {
    include: ['packages/*/src/**/*.test.ts', 'tests/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
