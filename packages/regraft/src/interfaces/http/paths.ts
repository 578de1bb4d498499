import type { AnyOperation } from '../../operation/index.ts'

/** `/api/datasets/build` for 'datasets build'. */
export function operationPath(operation: Pick<AnyOperation, 'name'>): string {
  return `/api/${operation.name.replaceAll(' ', '/')}`
}

/** Reads that answer at once may also be asked for with GET. */
export function hasGetRoute(operation: AnyOperation): boolean {
  return operation.effect === 'read' && operation.mode === 'call'
}
