import { expect, test } from 'vitest'
import { minimizeLbfgs } from './lbfgs.ts'

test('an ill-conditioned quadratic is solved to its known minimum', () => {
  // f = sum of c (x - t)^2 / 2 with curvatures from 1 to 10,000.
  const curvatures = [1, 10, 100, 1000, 10_000]
  const targets = [3, -2, 0.5, 7, -1]
  const point = new Float64Array(5)
  const result = minimizeLbfgs(
    (x, gradient) => {
      let value = 0
      for (const [at, curvature] of curvatures.entries()) {
        const away = x[at]! - targets[at]!
        gradient[at] = curvature * away
        value += (curvature * away * away) / 2
      }
      return value
    },
    point,
    { tolerance: 1e-9, maximumIterations: 200 },
  )
  expect(result.converged).toBe(true)
  for (const [at, target] of targets.entries()) expect(point[at]).toBeCloseTo(target, 8)
})

test('running out of iterations is told', () => {
  const point = Float64Array.of(100)
  const quartic = (x: Float64Array, gradient: Float64Array): number => {
    gradient[0] = 4 * x[0]! ** 3
    return x[0]! ** 4
  }
  expect(minimizeLbfgs(quartic, point, { tolerance: 1e-12, maximumIterations: 3 })).toMatchObject({
    iterations: 3,
    converged: false,
  })
  expect(point[0]!).toBeLessThan(100)
})
