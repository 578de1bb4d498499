import { auditOperation } from './audit/audit.ts'
import { calibrateOperation, showOperation } from './calibration/calibrate.ts'
import { judgeOperation } from './plan/judge.ts'
import { planOperation } from './plan/plan.ts'

export { auditSignals } from './audit/step.ts'
export { findCalibration } from './calibration/calibrate.ts'
export { type Calibration, calibrateSignals, policyOf } from './calibration/step.ts'
export { compileRows } from './compile-rows.ts'
export {
  type CompiledExample,
  type CompiledRow,
  EXAMPLE_KINDS,
  type ExampleBody,
  type ExampleKind,
  type Provenance,
  type SignalDropReason,
} from './examples.ts'
export { UNCALIBRATED } from './use.ts'
export { type WeightFindings, weighRows } from './weights/weigh.ts'

export const signalOperations = [
  planOperation,
  judgeOperation,
  calibrateOperation,
  showOperation,
  auditOperation,
]
