/** The sequences of which an example may consist. */
export type PartName = 'completion' | 'chosen' | 'rejected' | 'mismatched'

/** How the policy scores a completion; sums run over its tokens, the end of the turn included, in nats. */
export interface ScoredPart {
  logProbability: number
  tokens: number
  /** The same sum under the reference, where the loss wants one. */
  reference: number | null
  /** T²·KL(teacher ‖ policy) summed over the tokens, where the loss has a teacher. */
  divergence: number | null
}

export interface ScoredExample<Part extends PartName = PartName> {
  parts: Record<Part, ScoredPart>
  /** Whether the completion is wanted, where examples say so. */
  desirable: boolean | null
  /** Factor of the example in the loss; 1 where it is absent. */
  weight?: number
  /** Probability that what the example says is right; absent where nobody knows. */
  probability?: number
}

/**
 * A loss over a batch of examples. All losses here are functions of the summed log-probabilities, so the gradient with
 * regard to the log-probability of any one token is that of the sum it belongs to.
 */
export interface LossValue<Part extends PartName = PartName> {
  loss: number
  /** ∂loss/∂log p of each part of each example, in the order of the examples. */
  gradients: Record<Part, number>[]
  metrics: Record<string, number>
}
