export type { Classifier } from './classifier.ts'
export { fitLogisticRegression, type LogisticRegressionOptions } from './logistic-regression.ts'
export { fitMajorityClass } from './majority-class.ts'
export { fitNearestNeighbour } from './nearest-neighbour.ts'
