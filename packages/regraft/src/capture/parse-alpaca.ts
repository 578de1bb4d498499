// Alpaca (Taori et al. 2023): {"instruction", "input", "output"}; `system` and `history` as LLaMA-Factory has them.

import type { ToChatLine } from './parse-openai-jsonl.ts'
import { malformed } from './parsed-row.ts'

/** Makes a chat line of an instruction: the input follows it after a blank line, and the output is to be learned. */
export const alpacaLine: ToChatLine = (record, { unit, number }) => {
  const { instruction, input, output, system, history, ...rest } = record
  if (typeof instruction !== 'string' || typeof output !== 'string') {
    throw malformed(unit, number, ': expected the texts "instruction" and "output".', {
      hint: 'A row looks like {"instruction": "…", "input": "…", "output": "…"}.',
    })
  }
  const earlier = Array.isArray(history) ? history : []
  const turns = earlier.map((turn: unknown) => (Array.isArray(turn) && turn.length === 2 ? turn : null))
  const bad = turns.indexOf(null)
  if (bad >= 0) return { reason: `history[${bad}] is not a pair of texts` }
  const asked = typeof input === 'string' && input.trim() !== '' ? `${instruction}\n\n${input}` : instruction
  const messages = [
    ...(typeof system === 'string' && system !== '' ? [{ role: 'system', content: system }] : []),
    ...turns.flatMap((turn) => [
      { role: 'user', content: turn![0] as unknown },
      { role: 'assistant', content: turn![1] as unknown },
    ]),
    { role: 'user', content: asked },
    { role: 'assistant', content: output },
  ]
  return { ...rest, id: undefined, messages }
}
