import type { Graph, Value } from './graph.ts'

type Pullback = (gradients: Value[]) => (Value | null)[]

/**
 * Reverse-mode differentiation over a graph: each operation records how a gradient of its outputs becomes one of
 * its inputs (a vector-Jacobian product), and `backward` adds those nodes to the same graph.
 *
 * Only operations that depend on a value marked by `require` are recorded.
 */
export class Tape {
  readonly graph: Graph
  /** Whether values that are cheap to make are made again for the backward pass instead of being kept. */
  readonly recomputes: boolean
  #again = new Map<string, () => Value>()
  #entries: { inputs: readonly Value[]; outputs: readonly Value[]; pullback: Pullback }[] = []
  #required = new Set<string>()

  constructor(graph: Graph, options: { recomputes?: boolean } = {}) {
    this.graph = graph
    this.recomputes = options.recomputes ?? false
  }

  /** Says how a value is made again, by the same operations and so with the same bits. */
  cheap(value: Value, make: () => Value): Value {
    if (this.recomputes) this.#again.set(value.name, once(make))
    return value
  }

  /** A value for use in the backward pass: made again where that is cheap, else the one of the forward pass. */
  again(value: Value): Value {
    return this.#again.get(value.name)?.() ?? value
  }

  /** Marks a value whose gradient is wanted. */
  require(value: Value): Value {
    this.#required.add(value.name)
    return value
  }

  requires(value: Value): boolean {
    return this.#required.has(value.name)
  }

  /** Records an operation; its pullback may return null for inputs that need no gradient. */
  record(inputs: readonly Value[], outputs: readonly Value[], pullback: Pullback): void {
    if (!inputs.some((input) => this.requires(input))) return
    for (const output of outputs) this.#required.add(output.name)
    this.#entries.push({ inputs, outputs, pullback })
  }

  /** Adds the backward pass, starting from the given gradients; returns the gradient of a value, if it has one. */
  backward(seeds: readonly (readonly [Value, Value])[]): (value: Value) => Value {
    const gradients = new Map<string, Value>()
    const accumulate = (value: Value, gradient: Value) => {
      const known = gradients.get(value.name)
      gradients.set(value.name, known ? this.graph.add(known, gradient) : gradient)
    }
    for (const [value, gradient] of seeds) accumulate(value, gradient)
    for (const { inputs, outputs, pullback } of this.#entries.toReversed()) {
      const incoming = outputs.map((output) => gradients.get(output.name))
      if (incoming.every((gradient) => gradient === undefined)) continue
      if (incoming.some((gradient) => gradient === undefined)) {
        throw new Error(
          `only some outputs of an operation have a gradient: ${outputs.map((output) => output.name)}`,
        )
      }
      const outgoing = pullback(incoming as Value[])
      for (const [i, input] of inputs.entries()) {
        const gradient = outgoing[i]
        if (gradient && this.requires(input)) accumulate(input, gradient)
      }
    }
    return (value) => {
      const gradient = gradients.get(value.name)
      if (!gradient) throw new Error(`no gradient reached ${value.name}`)
      return gradient
    }
  }
}

function once(make: () => Value): () => Value {
  let made: Value | null = null
  return () => {
    made ??= make()
    return made
  }
}
