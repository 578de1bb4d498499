// Differentiable operations: each builds its forward nodes and records its vector-Jacobian product on the tape.
// ONNX Runtime has no training kernels, so the gradients are composed of inference operators.
import type { Value } from './graph.ts'
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
  tape.record([a], [result], ([d]) => [tape.graph.reshape(d!, a.shape)])
  return result
}

export function transpose(tape: Tape, a: Value, permutation: readonly number[]): Value {
  const result = tape.graph.transpose(a, permutation)
  const inverse = permutation.map((_, axis) => permutation.indexOf(axis))
  tape.record([a], [result], ([d]) => [tape.graph.transpose(d!, inverse)])
  return result
}

/** Root mean square normalisation over the last axis (Zhang & Sennrich 2019): x [N, D], weight [D]. */
export function rmsNorm(tape: Tape, x: Value, weight: Value, epsilon: number): Value {
  const { graph } = tape
  const meanSquare = graph.reduce('ReduceMean', graph.multiply(x, x), -1)
  const inverse = graph.apply('Reciprocal', graph.apply('Sqrt', graph.add(meanSquare, graph.scalar(epsilon))))
  const normalised = graph.multiply(x, inverse)
  const result = graph.multiply(normalised, weight)
  tape.record([x, weight], [result], ([d]) => {
    const scaled = graph.multiply(d!, weight)
    const projection = graph.reduce('ReduceMean', graph.multiply(scaled, normalised), -1)
    const dx = graph.multiply(inverse, graph.subtract(scaled, graph.multiply(normalised, projection)))
    const dWeight = tape.requires(weight)
      ? graph.reduce('ReduceSum', graph.multiply(d!, normalised), 0, false)
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

/** softmax(scores + mask) over the last axis; the mask gets no gradient. */
export function maskedSoftmax(tape: Tape, scores: Value, mask: Value): Value {
  const { graph } = tape
  const probabilities = graph.softmax(graph.add(scores, mask))
  tape.record([scores], [probabilities], ([d]) => {
    const weighted = graph.multiply(d!, probabilities)
    const total = graph.reduce('ReduceSum', weighted, -1)
    return [graph.subtract(weighted, graph.multiply(probabilities, total))]
  })
  return probabilities
}

/** silu(gate) · up (Shazeer 2020). */
export function swiglu(tape: Tape, gate: Value, up: Value): Value {
  const { graph } = tape
  const sigmoid = graph.apply('Sigmoid', gate)
  const silu = graph.multiply(gate, sigmoid)
  const result = graph.multiply(silu, up)
  tape.record([gate, up], [result], ([d]) => {
    // d silu/d gate = σ + silu·(1 − σ)
    const slope = graph.subtract(graph.add(sigmoid, silu), graph.multiply(silu, sigmoid))
    return [graph.multiply(graph.multiply(d!, up), slope), graph.multiply(d!, silu)]
  })
  return result
}

/** A low-rank update of one part of a linear: A [rank, in], B [out, rank]. */
export interface LowRank {
  a: Value
  b: Value
  scale: number
}

/**
 * Several linears of one input, whose weights are stacked: x [N, in], weight [Σout, in] → one [N, out] each, with
 * an optional low-rank update for each (LoRA, Hu et al. 2021): y = x·Wᵀ + scale·(x·Aᵀ)·Bᵀ.
 */
export function linears(
  tape: Tape,
  x: Value,
  weight: Value,
  outs: readonly number[],
  updates: readonly (LowRank | null)[],
): Value[] {
  const { graph } = tape
  const plain = graph.split(graph.matmul(x, weight, { transposeB: true }), outs, 1)
  const active = updates.flatMap((update, part) => (update ? [{ ...update, part }] : []))
  const ranks = active.map((update) => update.a.shape[0]!)
  const stackedA =
    active.length > 0
      ? graph.concat(
          active.map((update) => update.a),
          0,
        )
      : null
  const reduced = stackedA ? graph.split(graph.matmul(x, stackedA, { transposeB: true }), ranks, 1) : []
  const results = [...plain]
  for (const [i, update] of active.entries()) {
    const change = graph.matmul(reduced[i]!, update.b, { transposeB: true, alpha: update.scale })
    results[update.part] = graph.add(plain[update.part]!, change)
  }
  tape.record([x, weight, ...active.flatMap((update) => [update.a, update.b])], results, (gradients) => {
    const whole = graph.concat(gradients, 1)
    const back = active.map((update) =>
      graph.matmul(gradients[update.part]!, update.b, { alpha: update.scale }),
    )
    const stackedBack = stackedA ? graph.concat(back, 1) : null
    const throughWeight = tape.requires(x) ? graph.matmul(whole, weight) : null
    const dx =
      throughWeight && stackedBack
        ? graph.add(throughWeight, graph.matmul(stackedBack, stackedA!))
        : throughWeight
    const dWeight = tape.requires(weight) ? graph.matmul(whole, x, { transposeA: true }) : null
    const dA = stackedBack ? graph.split(graph.matmul(stackedBack, x, { transposeA: true }), ranks, 0) : []
    const dUpdates = active.flatMap((update, i) => [
      dA[i]!,
      graph.matmul(gradients[update.part]!, reduced[i]!, { transposeA: true, alpha: update.scale }),
    ])
    return [dx, dWeight, ...dUpdates]
  })
  return results
}

/**
 * Log-probability of one target token per row under the softmax of h·Eᵀ: h [N, D], embedding E [V, D],
 * targets [N] → [N, 1].
 */
export function targetLogProbabilities(tape: Tape, h: Value, embedding: Value, targets: Value): Value {
  const { graph } = tape
  const rows = h.shape[0]!
  const column = graph.reshape(targets, [rows, 1])
  const logits = graph.matmul(h, embedding, { transposeB: true })
  const maximum = graph.reduce('ReduceMax', logits, -1)
  const exponentials = graph.apply('Exp', graph.subtract(logits, maximum))
  const total = graph.reduce('ReduceSum', exponentials, -1)
  const logTotal = graph.add(graph.apply('Log', total), maximum)
  const result = graph.subtract(graph.gatherElements(logits, column), logTotal)
  tape.record([h, embedding], [result], ([d]) => {
    if (!tape.requires(embedding)) {
      // (e_target − p)·E without a second [N, V] tensor.
      const expected = graph.divide(graph.matmul(exponentials, embedding), total)
      return [graph.multiply(graph.subtract(graph.gatherRows(embedding, targets), expected), d!), null]
    }
    const negative = graph.multiply(exponentials, graph.divide(graph.apply('Neg', d!), total))
    const dLogits = graph.scatterAdd(negative, column, d!)
    return [graph.matmul(dLogits, embedding), graph.matmul(dLogits, h, { transposeA: true })]
  })
  return result
}
