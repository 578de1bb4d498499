// The request of POST /v1/chat/completions as OpenAI defines it. What changes the answer and cannot be honoured is
// refused; fields that only concern OpenAI's own service (user, store, metadata …) are accepted and ignored.
import type { Sampling } from '@regraft/engine'
import { z } from 'zod'
import { RegraftError } from '../errors/index.ts'
import { invalidInput } from '../operation/index.ts'
import type { Message } from '../store/types.ts'

const TextPart = z.object({ type: z.literal('text'), text: z.string() })

const ChatMessage = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant']),
  content: z.union([z.string(), z.array(TextPart)]),
})

export const ChatRequest = z.looseObject({
  model: z.string().min(1),
  messages: z.array(ChatMessage).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  /** As in vLLM: 0 and -1 mean all. */
  top_k: z.int().min(-1).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  seed: z.int().nullish(),
  stop: z.union([z.string().min(1), z.array(z.string().min(1)).max(4)]).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
})
export type ChatRequest = z.output<typeof ChatRequest>

const DEFAULT_MAX_TOKENS = 256

const UNSUPPORTED = ['tools', 'tool_choice', 'functions', 'response_format', 'logit_bias', 'audio']
/** Numbers that change nothing at this value, and cannot be honoured at another. */
const NEUTRAL: Record<string, number> = { n: 1, presence_penalty: 0, frequency_penalty: 0 }

/** Reads a body. Throws 'invalid-input' naming the field. */
export function parseChatRequest(body: unknown): ChatRequest {
  const parsed = ChatRequest.safeParse(body)
  if (!parsed.success) throw invalidInput(parsed.error)
  const present = (field: string) => ![undefined, null, false].includes(parsed.data[field] as undefined)
  const changed = ([field, neutral]: [string, number]) => (parsed.data[field] ?? neutral) !== neutral
  const refused = UNSUPPORTED.find(present) ?? Object.entries(NEUTRAL).find(changed)?.[0]
  if (refused) {
    throw new RegraftError('invalid-input', `${refused} is not supported by the embedded engine`, {
      hint: `leave out ${refused}`,
      details: { param: refused },
    })
  }
  if (parsed.data.top_logprobs && !parsed.data.logprobs) {
    throw new RegraftError('invalid-input', 'top_logprobs needs logprobs: true', {
      hint: 'set logprobs: true, or leave out top_logprobs',
      details: { param: 'top_logprobs' },
    })
  }
  return parsed.data
}

export interface Generation {
  messages: Message[]
  maxTokens: number
  sampling: Sampling
  seed: number
  stop: string[]
  /** Alternatives per token to report; null when tokens are not reported. */
  topLogProbabilities: number | null
}

/** What the engine is asked for; without a temperature decoding is greedy, so that answers repeat. */
export function generationOf(request: ChatRequest): Generation {
  const { temperature, top_p: topP, top_k: topK, min_p: minP, stop } = request
  return {
    messages: request.messages.map(({ role, content }) => ({
      role: role === 'developer' ? 'system' : role,
      content: typeof content === 'string' ? content : content.map(({ text }) => text).join(''),
    })),
    maxTokens: request.max_completion_tokens ?? request.max_tokens ?? DEFAULT_MAX_TOKENS,
    sampling: {
      temperature: temperature ?? 0,
      topP: topP ?? 1,
      ...(topK && topK > 0 ? { topK } : {}),
      ...(minP ? { minP } : {}),
    },
    seed: request.seed ?? 0,
    stop: typeof stop === 'string' ? [stop] : (stop ?? []),
    topLogProbabilities: request.logprobs ? (request.top_logprobs ?? 0) : null,
  }
}
