import { checkOperation } from './check.ts'
import { compareOperation } from './compare.ts'
import { exposureOperation } from './exposure.ts'
import { gapOperation } from './gap.ts'
import { parityOperation } from './parity.ts'
import { reportOperation } from './report/report.ts'
import { showOperation } from './show.ts'

export { commonItems } from './common-items.ts'
export { compare, type PairedItem, type Question } from './comparison.ts'
export { gateAlias, incumbentAlias, scoreOf } from './find-adapter.ts'
export { type GateRecord, readGateRecord } from './gate-record.ts'
export { measureModel } from './measure.ts'
export {
  readMeasurement,
  type StoredMeasurement,
  type SuiteMeasurement,
  upcastMeasurement,
} from './measurement.ts'
export { describeMargin, describeSide, unitOf } from './requirements/describe.ts'

export const gateOperations = [
  checkOperation,
  compareOperation,
  gapOperation,
  parityOperation,
  exposureOperation,
  showOperation,
  reportOperation,
]
