import { checkOperation } from './check.ts'
import { exposureOperation } from './exposure.ts'
import { gapOperation } from './gap.ts'
import { showOperation } from './show.ts'

export { gateAlias, incumbentAlias, scoreOf } from './check.ts'
export { commonItems, type GateRecord } from './judge.ts'
export { measureModel } from './measure.ts'
export {
  readMeasurement,
  type StoredMeasurement,
  type SuiteMeasurement,
  upcastMeasurement,
} from './measurement.ts'

export const gateOperations = [checkOperation, gapOperation, exposureOperation, showOperation]
