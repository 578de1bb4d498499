// What can be learned from an upstream's answer, in OpenAI's shape: from a whole body, or put together from chunks.
import { isRecord } from './json.ts'

export interface Choice {
  index: number
  message: Record<string, unknown>
  finish_reason: string | null
}

export interface ObservedAnswer {
  /** The upstream's own id: the handle that the caller keeps. */
  id: string | null
  /** The model as the upstream names it. */
  model: string | null
  choices: Choice[]
  usage: { promptTokens: number; completionTokens: number; cachedTokens: number } | null
  /** Whether it ended before it was complete. */
  cutOff: boolean
  /** Milliseconds on the clock of `performance.now()` at which its first piece of text or call arrived. */
  firstPieceAt: number | null
}

/** Reads a whole answer; null when the text is no chat completion. */
export function readCompletion(text: string): ObservedAnswer | null {
  const body = parseJson(text)
  if (!isRecord(body) || !Array.isArray(body.choices)) return null
  const choices = body.choices.filter(isRecord).map((choice, place) => ({
    index: typeof choice.index === 'number' ? choice.index : place,
    message: isRecord(choice.message) ? choice.message : {},
    finish_reason: textOrNull(choice.finish_reason),
  }))
  return {
    id: textOrNull(body.id),
    model: textOrNull(body.model),
    choices: choices.sort((a, b) => a.index - b.index),
    usage: readUsage(body.usage),
    cutOff: false,
    firstPieceAt: null,
  }
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

export function readUsage(usage: unknown): ObservedAnswer['usage'] {
  if (!isRecord(usage)) return null
  const {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    prompt_tokens_details: details,
  } = usage
  if (typeof promptTokens !== 'number' || typeof completionTokens !== 'number') return null
  const cachedTokens =
    isRecord(details) && typeof details.cached_tokens === 'number' ? details.cached_tokens : 0
  return { promptTokens, completionTokens, cachedTokens }
}
