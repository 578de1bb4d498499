import type { AnyOperation } from '../../operation/index.ts'

/** With `yes` the answer to the question of an operation that cannot be undone, where nobody can be asked. */
export const CONFIRM_HEADER = 'x-regraft-confirm'

/** `/api/datasets/build` for 'datasets build'. */
export function operationPath(operation: Pick<AnyOperation, 'name'>): string {
  return `/api/${operation.name.replaceAll(' ', '/')}`
}

/** Reads that answer at once may also be asked for with GET. */
export function hasGetRoute(operation: AnyOperation): boolean {
  return operation.effect === 'read' && operation.mode === 'call'
}
