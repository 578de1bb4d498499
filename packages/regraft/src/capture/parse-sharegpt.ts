// ShareGPT: {"conversations": [{"from": "human", "value": "…"}, {"from": "gpt", "value": "…"}]}, in JSON arrays or lines. No
// standard fixes it: what is read here is what Vicuna's scripts, Axolotl and LLaMA-Factory write.

import { isRecord, type ToChatLine } from './parse-openai-jsonl.ts'
import { malformed } from './parsed-row.ts'

const ROLES: Record<string, string> = {
  human: 'user',
  user: 'user',
  gpt: 'assistant',
  assistant: 'assistant',
  model: 'assistant',
  chatgpt: 'assistant',
  bot: 'assistant',
  system: 'system',
  tool: 'tool',
  observation: 'tool',
  function_call: 'function',
  function: 'function',
}

/**
 * Makes a chat line of a ShareGPT conversation: its last answer is what is to be learned.
 *
 * Its `id` is only unique in its file, so it names the conversation and not the row.
 */
export const shareGptLine: ToChatLine = (record, { unit, number }) => {
  const turns = record.conversations ?? record.conversation
  if (!Array.isArray(turns) || turns.length === 0) {
    throw malformed(unit, number, ', conversations: expected a list of turns.', {
      hint: 'A conversation looks like {"conversations": [{"from": "human", "value": "…"}, {"from": "gpt", "value": "…"}]}.',
    })
  }
  const { id, system, conversations: _turns, conversation: _turn, ...rest } = record
  const messages: unknown[] =
    typeof system === 'string' && system !== '' ? [{ role: 'system', content: system }] : []
  for (const [index, turn] of turns.entries()) {
    const from = isRecord(turn) ? (turn.from ?? turn.role) : undefined
    const value = isRecord(turn) ? (turn.value ?? turn.content ?? turn.text) : undefined
    if (typeof from !== 'string') {
      throw malformed(unit, number, `, conversations[${index}]: expected "from" and "value".`, {
        hint: 'A turn looks like {"from": "human", "value": "…"}, or {"role": "user", "content": "…"}.',
      })
    }
    const role = ROLES[from.toLowerCase()]
    if (role === undefined)
      return { reason: `conversations[${index}] is from '${from}', which is no known role` }
    messages.push({
      role,
      content: value,
      ...(isRecord(turn) && 'weight' in turn ? { weight: turn.weight } : {}),
    })
  }
  const name = typeof id === 'string' || typeof id === 'number' ? { conversation: String(id) } : {}
  return { ...name, ...rest, messages }
}
