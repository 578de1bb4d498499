import type { Sequence } from '../decoder/batch.ts'
import { EngineError } from '../errors.ts'
import type { Base, ChatMessage } from '../formats/types.ts'
import { renderChat } from '../tokenizer/index.ts'

/** How far an example counts; the losses say what they do with it. */
export interface ExampleTrust {
  /** Factor of the example in the loss, at least 0; 1 where it is absent. */
  weight?: number
  /** Probability that what it says is right, above 0; absent where nobody knows. */
  probability?: number
}

/** A demonstration: the conversation so far and the answer to learn. For `sft` and `distill`. */
export interface TrainingExample extends ExampleTrust {
  messages: ChatMessage[]
  completion: string
}

/** Two answers to one conversation, of which the first is preferred. For `dpo`, `orpo` and `simpo`. */
export interface PreferenceExample extends ExampleTrust {
  messages: ChatMessage[]
  chosen: string
  rejected: string
}

/** An answer and whether it is good. For `kto`. */
export interface RatedExample extends TrainingExample {
  label: boolean
}

export type AnyExample = TrainingExample | PreferenceExample | RatedExample

/** Tokens of a prompt, up to the point where the assistant's answer begins. */
export function promptTokens(base: Base, messages: readonly ChatMessage[]): number[] {
  if (base.chatTemplate === null) {
    throw new EngineError('incompatible', `The base ${base.path} has no chat template`, {
      hint: 'Use an instruction-tuned base, or add chat_template.jinja to its folder',
    })
  }
  return base.tokenizer.encode(renderChat(base, messages, { addGenerationPrompt: true }))
}

/** Tokens of an answer with the token that ends the assistant's turn in this base's chat template. */
export function completionTokens(base: Base, messages: readonly ChatMessage[], completion: string): number[] {
  const prompt = renderChat(base, messages, { addGenerationPrompt: true })
  const whole = renderChat(base, [...messages, { role: 'assistant', content: completion }], {
    addGenerationPrompt: false,
  })
  const text = whole.startsWith(prompt) ? whole.slice(prompt.length) : completion
  const tokens = base.tokenizer.encode(text)
  const end = tokens.findIndex((token) => base.config.eosTokenIds.includes(token))
  if (end >= 0) return tokens.slice(0, end + 1)
  const [eos] = base.config.eosTokenIds
  return eos === undefined ? tokens : [...tokens, eos]
}

/** The example as one sequence of which only the answer is learned. */
export function exampleSequence(base: Base, example: TrainingExample): Sequence {
  const prompt = promptTokens(base, example.messages)
  const completion = completionTokens(base, example.messages, example.completion)
  return { ids: [...prompt, ...completion], supervisedFrom: prompt.length }
}
