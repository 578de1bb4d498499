import { checkOperation } from './check.ts'
import { exposureOperation } from './exposure.ts'
import { gapOperation } from './gap.ts'
import { showOperation } from './show.ts'

export { gateAlias, incumbentAlias, scoreOf } from './check.ts'
export type { GateRecord } from './judge.ts'
export { readMeasurement } from './measurement.ts'

export const gateOperations = [checkOperation, gapOperation, exposureOperation, showOperation]
