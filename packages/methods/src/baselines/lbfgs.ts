export interface MinimizeOptions {
  /** Stop when no component of the gradient is larger. */
  tolerance: number
  maximumIterations: number
}

export interface Minimum {
  value: number
  iterations: number
  converged: boolean
}

/** Curvature pairs that are kept. */
const HISTORY = 6

/**
 * Minimises a smooth convex function from `point`, which it changes in place.
 *
 * `evaluate(point, gradient)` fills the gradient and returns the value. Steps are shortened until they satisfy Armijo's condition.
 * Deterministic: the same function and start give the same bits.
 * Source: Liu and Nocedal 1989, "On the limited memory BFGS method for large scale optimization".
 */
export function minimizeLbfgs(
  evaluate: (point: Float64Array, gradient: Float64Array) => number,
  point: Float64Array,
  options: MinimizeOptions,
): Minimum {
  let gradient = new Float64Array(point.length)
  let nextGradient = new Float64Array(point.length)
  const start = new Float64Array(point.length)
  const direction = new Float64Array(point.length)
  const pairs: { step: Float64Array; change: Float64Array; curvature: number }[] = []
  let value = evaluate(point, gradient)
  for (let iteration = 0; iteration < options.maximumIterations; iteration++) {
    if (largest(gradient) <= options.tolerance) return { value, iterations: iteration, converged: true }
    descend(direction, gradient, pairs)
    const slope = dot(direction, gradient)
    // Without curvature the scale of the gradient is unknown: the first step has length 1.
    let length = pairs.length === 0 ? Math.min(1, 1 / Math.sqrt(dot(gradient, gradient))) : 1
    start.set(point)
    let next = Number.POSITIVE_INFINITY
    for (let attempt = 0; attempt < 40; attempt++, length /= 2) {
      for (let at = 0; at < point.length; at++) point[at] = start[at]! + length * direction[at]!
      next = evaluate(point, nextGradient)
      if (next <= value + 1e-4 * length * slope) break
    }
    if (!(next < value)) {
      // Rounding leaves nothing to gain.
      point.set(start)
      return { value, iterations: iteration, converged: false }
    }
    remember(pairs, start, point, gradient, nextGradient)
    value = next
    ;[gradient, nextGradient] = [nextGradient, gradient]
  }
  return { value, iterations: options.maximumIterations, converged: largest(gradient) <= options.tolerance }
}

type Pairs = { step: Float64Array; change: Float64Array; curvature: number }[]

/** Two-loop recursion: direction = -(inverse Hessian approximation) gradient. */
function descend(direction: Float64Array, gradient: Float64Array, pairs: Pairs): void {
  for (let at = 0; at < gradient.length; at++) direction[at] = -gradient[at]!
  const weights: number[] = []
  for (const { step, change, curvature } of pairs.toReversed()) {
    const weight = dot(step, direction) / curvature
    weights.push(weight)
    add(direction, change, -weight)
  }
  const latest = pairs.at(-1)
  if (latest) {
    const scale = latest.curvature / dot(latest.change, latest.change)
    for (let at = 0; at < direction.length; at++) direction[at]! *= scale
  }
  for (const { step, change, curvature } of pairs) {
    const weight = weights.pop()! - dot(change, direction) / curvature
    add(direction, step, weight)
  }
}

function remember(
  pairs: Pairs,
  start: Float64Array,
  point: Float64Array,
  gradient: Float64Array,
  nextGradient: Float64Array,
): void {
  // The oldest pair's memory is used again: these arrays are the bulk of what the method holds.
  const oldest = pairs.length === HISTORY ? pairs.shift() : undefined
  const step = oldest?.step ?? new Float64Array(point.length)
  const change = oldest?.change ?? new Float64Array(point.length)
  for (let at = 0; at < point.length; at++) {
    step[at] = point[at]! - start[at]!
    change[at] = nextGradient[at]! - gradient[at]!
  }
  const curvature = dot(step, change)
  if (curvature > 0) pairs.push({ step, change, curvature })
}

function dot(left: Float64Array, right: Float64Array): number {
  let sum = 0
  for (let at = 0; at < left.length; at++) sum += left[at]! * right[at]!
  return sum
}

function add(target: Float64Array, other: Float64Array, weight: number): void {
  for (let at = 0; at < target.length; at++) target[at]! += weight * other[at]!
}

function largest(values: Float64Array): number {
  let most = 0
  for (let at = 0; at < values.length; at++) most = Math.max(most, Math.abs(values[at]!))
  return most
}
