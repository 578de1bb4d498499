// The row of a call of a model, whoever answered.
import type { UpstreamConfig } from '../config/schema.ts'
import type { InferencePayload, NewInference } from '../store/types.ts'
import type { CallFacts } from './call-facts.ts'
import { wellFormed } from './json.ts'
import type { Choice, ObservedAnswer } from './observed-answer.ts'
import { answerText, textView } from './text-view.ts'
import type { Target } from './upstreams.ts'

/** What is known of a call when it begins. */
export interface Call {
  startedAt: Date
  /** On the clock of `performance.now()`. */
  startedMs: number
  /** Messages of the request as they were. */
  messages: unknown[]
  facts: CallFacts
}

export function upstreamRecord(id: string, call: Call, target: Target, answer: ObservedAnswer): NewInference {
  const { usage } = answer
  return recordOf(id, call, answer.choices, {
    endedMs: performance.now(),
    cutOff: answer.cutOff,
    firstPieceAt: answer.firstPieceAt,
    payload: {
      model: answer.model ?? target.model,
      adapter: null,
      route: target.route,
      parameters: call.facts.parameters,
      usage: usage && { promptTokens: usage.promptTokens, completionTokens: usage.completionTokens },
      upstream: target.upstream,
      configDigest: target.configDigest,
      ...costOf(target, answer),
    },
  })
}

type OwnFields = Pick<
  InferencePayload,
  'model' | 'adapter' | 'route' | 'parameters' | 'usage' | 'configDigest'
> &
  Pick<InferencePayload, 'upstream' | 'cost'>

/** Lays out a row; times are on the clock of `performance.now()`. */
export function recordOf(
  id: string,
  call: Call,
  choices: Choice[],
  answer: { endedMs: number; cutOff: boolean; firstPieceAt: number | null; payload: OwnFields },
): NewInference {
  const { conversation, propensity, subject } = call.facts
  const request = textView(call.messages)
  const answers = choices.map(({ message, finish_reason: reason }) => ({
    ...answerText(message),
    finishReason: reason ?? (answer.cutOff ? CUT_OFF : null),
  }))
  const complete = request.complete && answers.every((one) => one.complete)
  return {
    id,
    occurredAt: call.startedAt,
    subject,
    payload: wellFormed({
      messages: request.messages,
      response: answers[0]?.text ?? '',
      ...answer.payload,
      latencyMs: Math.round(answer.endedMs - call.startedMs),
      finishReason: answer.cutOff ? CUT_OFF : (answers[0]?.finishReason ?? null),
      source: { kind: 'serving' },
      ...(answers.length > 1
        ? { candidates: answers.map(({ text, finishReason }) => ({ content: text, finishReason })) }
        : {}),
      ...(complete ? {} : { exact: { messages: call.messages, choices } }),
      ...(answer.firstPieceAt === null
        ? {}
        : { firstTokenMs: Math.round(answer.firstPieceAt - call.startedMs) }),
      ...(conversation === null ? {} : { conversation }),
      ...(propensity === null ? {} : { propensity }),
    }),
  }
}

const CUT_OFF = 'cut-off'

const MILLION = 1_000_000

/** What the answer cost after the prices of its model; nothing where the upstream counted no tokens, or none are given. */
function costOf({ config, model }: Target, answer: ObservedAnswer): Pick<InferencePayload, 'cost'> {
  const price = priceOf(config, model) ?? (answer.model === null ? undefined : priceOf(config, answer.model))
  if (!price || !answer.usage) return {}
  const { promptTokens, completionTokens, cachedTokens } = answer.usage
  const cached = cachedTokens * (price.cachedPrompt ?? price.prompt)
  const amount = (promptTokens - cachedTokens) * price.prompt + cached + completionTokens * price.completion
  return { cost: { amount: Number((amount / MILLION).toPrecision(12)), currency: price.currency } }
}

function priceOf({ prices }: UpstreamConfig, model: string) {
  return Object.hasOwn(prices, model) ? prices[model] : undefined
}
