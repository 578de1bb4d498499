import type { Parameter } from './learner.ts'

export interface AdamWOptions {
  beta1: number
  beta2: number
  epsilon: number
  weightDecay: number
}

/** First and second moments of each parameter, and how many updates they have seen. */
export interface AdamWState {
  updates: number
  moments: Map<string, { first: Float32Array; second: Float32Array }>
}

export function initialAdamWState(parameters: readonly Parameter[]): AdamWState {
  const moments = parameters.map(({ name, value }) => {
    return [name, { first: new Float32Array(value.length), second: new Float32Array(value.length) }] as const
  })
  return { updates: 0, moments: new Map(moments) }
}

/** One AdamW update in place, with decoupled weight decay (Loshchilov & Hutter 2019). */
export function adamW(
  parameters: readonly Parameter[],
  state: AdamWState,
  learningRate: number,
  options: AdamWOptions,
): void {
  const { beta1, beta2, epsilon, weightDecay } = options
  state.updates++
  const correction1 = 1 - beta1 ** state.updates
  const correction2 = 1 - beta2 ** state.updates
  for (const { name, value, gradient, decays } of parameters) {
    const { first, second } = state.moments.get(name)!
    const shrink = decays ? 1 - learningRate * weightDecay : 1
    for (let i = 0; i < value.length; i++) {
      const slope = gradient[i]!
      const mean = beta1 * first[i]! + (1 - beta1) * slope
      const square = beta2 * second[i]! + (1 - beta2) * slope * slope
      first[i] = mean
      second[i] = square
      const direction = mean / correction1 / (Math.sqrt(square / correction2) + epsilon)
      value[i] = shrink * value[i]! - learningRate * direction
    }
  }
}

/** Scales all gradients so that their joint L2 norm is at most `maximum`; returns the norm before (Pascanu et al. 2013). */
export function clipGradients(parameters: readonly Parameter[], maximum: number): number {
  let total = 0
  for (const { gradient } of parameters) {
    for (let i = 0; i < gradient.length; i++) total += gradient[i]! * gradient[i]!
  }
  const norm = Math.sqrt(total)
  if (norm > maximum) {
    const factor = maximum / norm
    for (const { gradient } of parameters) {
      for (let i = 0; i < gradient.length; i++) gradient[i]! *= factor
    }
  }
  return norm
}
