import type { OperationContext } from '../operation/index.ts'

export function reportBytes(
  context: OperationContext,
  stage: string,
  done: number,
  total: number,
  message?: string,
): void {
  context.progress({
    stage,
    done: megabytes(done),
    ...(total > 0 ? { total: megabytes(total) } : {}),
    unit: 'MB',
    ...(message ? { message } : {}),
  })
}

/** Millions of bytes, to one decimal. */
export function megabytes(bytes: number): number {
  return Math.round(bytes / 1e5) / 10
}
