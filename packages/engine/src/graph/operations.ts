// Differentiable operations: each builds its forward nodes and records its vector-Jacobian product on the tape.
// ONNX Runtime has no training kernels, so the gradients are composed of inference operators.
import type { Graph, Value } from './graph.ts'
import type { Tape } from './tape.ts'

/** a + b, equal shapes. */
export function add(tape: Tape, a: Value, b: Value): Value {
  const sum = tape.graph.add(a, b)
  tape.record([a, b], [sum], ([d]) => [d!, d!])
  return sum
}

/** a·b (or a·bᵀ) over the last two axes, scaled by alpha. */
export function matmul(
  tape: Tape,
  a: Value,
  b: Value,
  options: { transposeB?: boolean; alpha?: number } = {},
): Value {
  const { graph } = tape
  const { transposeB = false, alpha = 1 } = options
  const product = graph.matmul(a, b, { transposeB, alpha })
  tape.record([a, b], [product], ([d]) => [
    tape.requires(a) ? graph.matmul(d!, b, { transposeB: !transposeB, alpha }) : null,
    tape.requires(b)
      ? transposeB
        ? graph.matmul(d!, a, { transposeA: true, alpha })
        : graph.matmul(a, d!, { transposeA: true, alpha })
      : null,
  ])
  return product
}

export function reshape(tape: Tape, a: Value, shape: readonly number[]): Value {
  const result = tape.graph.reshape(a, shape)
  tape.cheap(result, () => tape.graph.reshape(tape.again(a), shape))
  tape.record([a], [result], ([d]) => [tape.graph.reshape(d!, a.shape)])
  return result
}

export function transpose(tape: Tape, a: Value, permutation: readonly number[]): Value {
  const result = tape.graph.transpose(a, permutation)
  const inverse = permutation.map((_, axis) => permutation.indexOf(axis))
  tape.cheap(result, () => tape.graph.transpose(tape.again(a), permutation))
  tape.record([a], [result], ([d]) => [tape.graph.transpose(d!, inverse)])
  return result
}

/**
 * Chosen rows of x [N, D] in several parts: indices [R] each → [R, D] each. For the gradient `places` [N] says where each
 * row stands among the rows of all parts; rows that were not chosen point behind the last.
 */
export function takeRows(tape: Tape, x: Value, indices: readonly Value[], places: Value): Value[] {
  const { graph } = tape
  const parts = indices.map((part) => graph.gatherRows(x, part))
  const width = x.shape[1]!
  tape.record([x], parts, (gradients) => {
    const none = graph.constant([1, width], new Float32Array(width))
    return [graph.gatherRows(graph.concat([...gradients, none], 0), places)]
  })
  return parts
}

/** Root mean square normalisation over the last axis (Zhang & Sennrich 2019): x [N, D], weight [D]. */
export function rmsNorm(tape: Tape, x: Value, weight: Value, epsilon: number): Value {
  const { graph } = tape
  const { result, inverse } = graph.rootMeanSquareNorm(x, weight, epsilon)
  tape.cheap(result, () => graph.rootMeanSquareNorm(tape.again(x), weight, epsilon).result)
  tape.record([x, weight], [result], ([d]) => {
    // With s = d·w and m = 1/√(…): dx = m·(s − x·m²·mean(s·x))
    const scaled = graph.multiply(d!, weight)
    const projection = graph.reduce('ReduceMean', graph.multiply(scaled, x), -1)
    const share = graph.multiply(projection, graph.multiply(inverse, inverse))
    const dx = graph.multiply(inverse, graph.subtract(scaled, graph.multiply(x, share)))
    const dWeight = tape.requires(weight)
      ? graph.reduce('ReduceSum', graph.multiply(d!, graph.multiply(x, inverse)), 0, false)
      : null
    return [tape.requires(x) ? dx : null, dWeight]
  })
  return result
}

export interface RotaryTables {
  positions: Value
  cos: Value
  sin: Value
  negativeSin: Value
}

/** Rotary position embedding (Su et al. 2021) of x [B, H, T, headDim]; a rotation, so its gradient rotates back. */
export function rotate(tape: Tape, x: Value, tables: RotaryTables): Value {
  const { graph } = tape
  const result = graph.rotate(x, tables.positions, tables.cos, tables.sin)
  tape.record([x], [result], ([d]) => [graph.rotate(d!, tables.positions, tables.cos, tables.negativeSin)])
  return result
}

/**
 * softmax(scores + mask)·values: scores [B, R, T], values [B, T, W] → [B, R, W]; the mask gets no gradient.
 * `masked` adds the mask to the scores.
 */
export function attend(tape: Tape, scores: Value, masked: (scores: Value) => Value, values: Value): Value {
  const { graph } = tape
  const probabilities = graph.softmax(masked(scores))
  const result = graph.matmul(probabilities, values)
  tape.cheap(result, () => graph.matmul(probabilities, values))
  tape.record([scores, values], [result], ([d]) => {
    // Σ_t p_t·(∂L/∂p_t) is the product of the output with its gradient (Dao et al. 2022, equation 4).
    const total = graph.reduce('ReduceSum', graph.multiply(d!, tape.again(result)), -1)
    const slopes = graph.matmul(d!, values, { transposeB: true })
    return [
      graph.multiply(probabilities, graph.subtract(slopes, total)),
      graph.matmul(probabilities, d!, { transposeA: true }),
    ]
  })
  return result
}

/** silu(gate) · up (Shazeer 2020). */
export function swiglu(tape: Tape, gate: Value, up: Value): Value {
  const { graph } = tape
  const silu = tape.cheap(graph.silu(gate), () => graph.silu(gate))
  const result = graph.multiply(silu, up)
  tape.cheap(result, () => graph.multiply(tape.again(silu), up))
  tape.record([gate, up], [result], ([d]) => {
    // d silu/d gate = σ + silu·(1 − σ)
    const kept = tape.again(silu)
    const sigmoid = graph.apply('Sigmoid', gate)
    const slope = graph.subtract(graph.add(sigmoid, kept), graph.multiply(kept, sigmoid))
    return [graph.multiply(graph.multiply(d!, up), slope), graph.multiply(d!, kept)]
  })
  return result
}

/** gelu(gate) · up with the tanh approximation of GELU (Hendrycks & Gimpel 2016; GeGLU, Shazeer 2020). */
export function geglu(tape: Tape, gate: Value, up: Value): Value {
  const { graph } = tape
  const { multiply, add: plus } = graph
  const scalar = (value: number) => graph.scalar(value)
  const root = Math.sqrt(2 / Math.PI)
  const parts = () => {
    const square = multiply(gate, gate)
    // tanh(√(2/π)·(x + 0.044715·x³))
    const inner = multiply(gate, plus(multiply(square, scalar(root * 0.044715)), scalar(root)))
    const tanh = graph.apply('Tanh', inner)
    const half = multiply(plus(tanh, scalar(1)), scalar(0.5))
    return { square, tanh, half, gelu: multiply(gate, half) }
  }
  const forward = parts()
  let kept: typeof forward | null = tape.recomputes ? null : forward
  const again = () => {
    kept ??= parts()
    return kept
  }
  const result = multiply(forward.gelu, up)
  tape.cheap(result, () => multiply(again().gelu, up))
  tape.record([gate, up], [result], ([d]) => {
    const { square, tanh, half, gelu } = again()
    // d gelu/dx = (1 + t)/2 + x/2·(1 − t²)·√(2/π)·(1 + 3·0.044715·x²)
    const steepness = plus(multiply(square, scalar(1.5 * root * 0.044715)), scalar(root / 2))
    const flatness = graph.subtract(scalar(1), multiply(tanh, tanh))
    const slope = plus(half, multiply(gate, multiply(flatness, steepness)))
    return [multiply(multiply(d!, up), slope), multiply(d!, gelu)]
  })
  return result
}

/** A low-rank update of one part of a linear: A [rank, in], B [out, rank]. */
export interface LowRank {
  a: Value
  b: Value
  scale: number
  /** What the update sees of the input, [N, in]; the updates of one input share theirs. */
  mask?: Value | undefined
}

/** A weight [Σout, in] that a graph reads: `value` gives it in 32-bit floats, each time it is called anew. */
export interface Weight {
  /** The input that is learned, when it is one of 32-bit floats. */
  input: Value
  /**
   * Weights of lower precision are expanded by nodes of their own for each use, so that no expanded copy outlives
   * its use.
   */
  value(): Value
}

/** One linear of several that read the same input: weight [out, in], bias [out]. */
export interface Linear {
  weight: Weight
  bias: Value | null
  update: LowRank | null
}

/**
 * Several linears of one input: x [N, in] → one [N, out] each, with an optional low-rank update for each (LoRA,
 * Hu et al. 2021): y = x·Wᵀ + b + scale·((x∘mask)·Aᵀ)·Bᵀ. The updates' A are stacked into one product.
 */
export function linears(tape: Tape, x: Value, parts: readonly Linear[]): Value[] {
  const { graph } = tape
  const active = parts.flatMap(({ update }, part) => (update ? [{ ...update, part }] : []))
  const ranks = active.map((update) => update.a.shape[0]!)
  const stackedA =
    active.length > 0
      ? graph.concat(
          active.map(({ a }) => a),
          0,
        )
      : null
  const mask = active[0]?.mask
  const seen = mask ? graph.multiply(x, mask) : x
  const reduced = stackedA ? graph.split(graph.matmul(seen, stackedA, { transposeB: true }), ranks, 1) : []
  const results = parts.map(({ weight, bias }) =>
    bias
      ? graph.addProduct(bias, x, weight.value(), { transposeB: true })
      : graph.matmul(x, weight.value(), { transposeB: true }),
  )
  for (const [i, { part, b, scale }] of active.entries()) {
    results[part] = graph.addProduct(results[part]!, reduced[i]!, b, { transposeB: true, alpha: scale })
  }
  const inputs = [
    x,
    ...parts.flatMap(({ weight, bias }) => [weight.input, ...(bias ? [bias] : [])]),
    ...active.flatMap(({ a, b }) => [a, b]),
  ]
  tape.record(inputs, results, (gradients) => {
    const back = active.map(({ part, b, scale }) => graph.matmul(gradients[part]!, b, { alpha: scale }))
    const stackedBack = stackedA ? graph.concat(back, 1) : null
    let dx: Value | null = null
    if (tape.requires(x)) {
      const products: [Value, Value][] = parts.map(({ weight }, part) => [gradients[part]!, weight.value()])
      if (stackedBack && !mask) products.push([stackedBack, stackedA!])
      for (const [d, weight] of products) dx = dx ? graph.addProduct(dx, d, weight) : graph.matmul(d, weight)
      if (stackedBack && mask) {
        dx = graph.add(dx!, graph.multiply(graph.matmul(stackedBack, stackedA!), mask))
      }
    }
    const input = tape.again(x)
    const seenAgain = mask ? graph.multiply(input, mask) : input
    const dParts = parts.flatMap(({ weight, bias }, part) => {
      const d = gradients[part]!
      const dWeight = tape.requires(weight.input) ? graph.matmul(d, input, { transposeA: true }) : null
      if (!bias) return [dWeight]
      return [dWeight, tape.requires(bias) ? graph.reduce('ReduceSum', d, 0, false) : null]
    })
    const dA = stackedBack
      ? graph.split(graph.matmul(stackedBack, seenAgain, { transposeA: true }), ranks, 0)
      : []
    const dUpdates = active.flatMap(({ part, scale }, i) => [
      dA[i]!,
      graph.matmul(gradients[part]!, reduced[i]!, { transposeA: true, alpha: scale }),
    ])
    return [dx, ...dParts, ...dUpdates]
  })
  return results
}

/**
 * Log-probability of one target token per row under the softmax of h·Eᵀ: h [N, D], embedding E [V, D],
 * targets [N] → [N, 1].
 */
export function targetLogProbabilities(tape: Tape, h: Value, vocabulary: Weight, targets: Value): Value {
  const { graph } = tape
  const rows = h.shape[0]!
  const column = graph.reshape(targets, [rows, 1])
  const embedding = vocabulary.value()
  const logits = graph.matmul(h, embedding, { transposeB: true })
  const probabilities = graph.softmax(logits)
  // The largest probability is exp(0)/total, so its logarithm gives log Σ exp(logit − maximum) without a second pass.
  const maximum = graph.reduce('ReduceMax', logits, -1)
  const largest = graph.apply('Log', graph.reduce('ReduceMax', probabilities, -1))
  const result = graph.add(graph.subtract(graph.gatherElements(logits, column), maximum), largest)
  tape.record([h, vocabulary.input], [result], ([d]) => {
    if (!tape.requires(vocabulary.input)) {
      // (e_target − p)·E without a second [N, V] tensor.
      const expected = graph.matmul(probabilities, embedding)
      return [graph.multiply(graph.subtract(graph.gatherRows(embedding, targets), expected), d!), null]
    }
    const negative = graph.multiply(probabilities, graph.apply('Neg', d!))
    const dLogits = graph.scatterAdd(negative, column, d!)
    return [graph.matmul(dLogits, embedding), graph.matmul(dLogits, h, { transposeA: true })]
  })
  return result
}

/**
 * Like `targetLogProbabilities`, with the divergence from a teacher beside it: teacher logits [N, V] → log-probabilities
 * [N, 1] and T²·KL(softmax(teacher/T) ‖ softmax(logits/T)) [N, 1] (Hinton et al. 2015). The vocabulary is not learned.
 */
export function distillation(
  tape: Tape,
  h: Value,
  vocabulary: Weight,
  targets: Value,
  teacher: Value,
  temperature: number,
): { logProbabilities: Value; divergences: Value } {
  const { graph } = tape
  const column = graph.reshape(targets, [h.shape[0]!, 1])
  const logits = graph.matmul(h, vocabulary.value(), { transposeB: true })
  const plain = logSoftmax(graph, logits)
  const cooled = (value: Value) => logSoftmax(graph, graph.multiply(value, graph.scalar(1 / temperature)))
  const [student, wanted] = [cooled(logits), cooled(teacher)]
  const wantedProbabilities = graph.apply('Exp', wanted)
  const perToken = graph.multiply(wantedProbabilities, graph.subtract(wanted, student))
  const logProbabilities = graph.gatherElements(plain, column)
  const divergences = graph.multiply(
    graph.reduce('ReduceSum', perToken, -1),
    graph.scalar(temperature * temperature),
  )
  tape.record([h], [logProbabilities, divergences], ([dLogProbability, dDivergence]) => {
    // T·(softmax(s/T) − softmax(t/T)) for the divergence, e_target − softmax(s) for the log-probability.
    const difference = graph.subtract(graph.apply('Exp', student), wantedProbabilities)
    const pulled = graph.multiply(difference, graph.multiply(dDivergence!, graph.scalar(temperature)))
    const expected = graph.multiply(graph.apply('Exp', plain), dLogProbability!)
    const dLogits = graph.scatterAdd(graph.subtract(pulled, expected), column, dLogProbability!)
    return [graph.matmul(dLogits, vocabulary.value())]
  })
  return { logProbabilities, divergences }
}

function logSoftmax(graph: Graph, logits: Value): Value {
  const shifted = graph.subtract(logits, graph.reduce('ReduceMax', logits, -1))
  const total = graph.reduce('ReduceSum', graph.apply('Exp', shifted), -1)
  return graph.subtract(shifted, graph.apply('Log', total))
}
