import type { OperationContext } from './types.ts'

/** What tests and benchmarks give an operation that nobody watches: an administrator, no progress, no log, no job. */
export function quietCall(): Pick<
  OperationContext,
  'principal' | 'signal' | 'progress' | 'log' | 'jobId' | 'attempt'
> {
  return {
    principal: { id: 'local', scopes: ['admin'] },
    signal: new AbortController().signal,
    progress() {},
    log: { debug() {}, info() {}, warn() {}, error() {} },
    jobId: null,
    attempt: 1,
  }
}
