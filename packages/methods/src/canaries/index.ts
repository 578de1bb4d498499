export { alternativeSecrets, type Canary, makeCanaries, SECRET_DIGITS } from './canary.ts'
export { canariesNeeded, type ExposureTest, exposure, exposureTest, gammaTail, rankOf } from './exposure.ts'
