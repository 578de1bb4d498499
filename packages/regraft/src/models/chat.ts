import type { Config } from '../config/schema.ts'
import { RegraftError } from '../errors/index.ts'
import { postJson } from './post-json.ts'

/** A chat model behind an OpenAI-compatible endpoint. */
export type ChatSettings = Config['judges'][string]

export interface ChatOptions {
  /** What is asked, for messages: "the judge of paraphrases". */
  what: string
  /** Path of its settings in regraft.yaml. */
  setting: string
  maxTokens: number
  signal: AbortSignal
}

/**
 * What a chat model answers to an instruction and a text, greedily. Sends the request again as `postJson` does, and throws as it
 * does; throws 'incompatible' for an answer without a choice. An answer that is no text is ''.
 */
export async function askChat(
  { url, model, apiKey }: ChatSettings,
  { instruction, text }: { instruction: string; text: string },
  { what, setting, maxTokens, signal }: ChatOptions,
): Promise<string> {
  const answer = await postJson(
    `${url.replace(/\/+$/, '')}/chat/completions`,
    {
      model,
      messages: [
        { role: 'system', content: instruction },
        { role: 'user', content: text },
      ],
      temperature: 0,
      max_tokens: maxTokens,
    },
    {
      what: `${what} (${url})`,
      hint: `check ${setting} in regraft.yaml: url, model, apiKey`,
      ...{ apiKey, signal },
    },
  )
  const said = (answer as { choices?: { message?: { content?: unknown } }[] } | null)?.choices?.[0]?.message
  if (!said) {
    throw new RegraftError('incompatible', `${what} answered without a choice`, {
      hint: `check that ${setting}.url speaks OpenAI's chat completions`,
    })
  }
  return typeof said.content === 'string' ? said.content : ''
}
