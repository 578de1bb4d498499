import { checkOperation } from './check.ts'
import { exposureOperation } from './exposure.ts'
import { showOperation } from './show.ts'

export { gateAlias, incumbentAlias, scoreOf } from './check.ts'
export type { SuiteMeasurement } from './evaluate.ts'
export type { GateRecord } from './judge.ts'

export const gateOperations = [checkOperation, exposureOperation, showOperation]
