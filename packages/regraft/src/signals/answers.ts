import type { Fault, FeedbackPayload, FeedbackRow, InferenceRow } from '../store/types.ts'

/** The candidate that an event means. */
export function candidateOf({ payload }: Pick<FeedbackRow, 'payload'>): number {
  return payload.candidate ?? 0
}

/** The text of an answer, trimmed; null when the inference has no such candidate or an empty one. */
export function answerOf({ payload }: InferenceRow, candidate = 0): string | null {
  const content = payload.candidates?.[candidate]?.content ?? (candidate === 0 ? payload.response : null)
  return content?.trim() || null
}

export function faultOf(payload: FeedbackPayload): Fault | null {
  return ('fault' in payload ? payload.fault : undefined) ?? null
}

/** What is said to be the matter with an answer: 'wrong' where anybody said so, null where nobody said anything. */
export function saidFault(feedback: readonly FeedbackRow[], candidate: number): Fault | null {
  const faults = feedback
    .filter((row) => candidateOf(row) === candidate)
    .map(({ payload }) => {
      if (payload.type !== 'judgement') return faultOf(payload)
      return payload.signal === undefined && payload.value !== 'right' ? payload.value : null
    })
  return faults.includes('wrong') ? 'wrong' : (faults.find((fault) => fault !== null) ?? null)
}

/** Whether somebody approved the answer and nobody rejected it. */
export function isApproved(feedback: readonly FeedbackRow[], candidate: number): boolean {
  const rows = feedback.filter((row) => candidateOf(row) === candidate)
  return rows.some(({ payload }) => isApproval(payload)) && !rows.some(({ payload }) => isRejection(payload))
}

export function isApproval(payload: FeedbackPayload): boolean {
  return (
    payload.type === 'accept' || payload.type === 'copy' || (payload.type === 'thumbs' && payload.value === 1)
  )
}

export function isRejection(payload: FeedbackPayload): boolean {
  return (payload.type === 'thumbs' && payload.value === -1) || faultOf(payload) === 'wrong'
}
