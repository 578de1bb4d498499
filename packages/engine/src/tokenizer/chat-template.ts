import { Template } from '@huggingface/jinja'
import { EngineError } from '../errors.ts'
import type { Base, ChatMessage } from '../formats/types.ts'

export type ChatTemplateSource = Pick<Base, 'chatTemplate' | 'specialTokens'>

export interface RenderChatOptions {
  /** Appends the opening of an assistant's turn, for the model to continue. */
  addGenerationPrompt: boolean
}

const parsedTemplates = new WeakMap<ChatTemplateSource, Template>()

/**
 * Renders a conversation through the base's own Jinja template.
 *
 * Templates see messages, add_generation_prompt, bos_token, eos_token, unk_token, pad_token and raise_exception as
 * in Hugging Face's apply_chat_template, but no clock: strftime_now is undefined, so that equal messages give equal
 * text. Throws `incompatible` when there is no template or it is broken, `invalid-input` when it refuses the messages.
 */
export function renderChat(
  base: ChatTemplateSource,
  messages: readonly ChatMessage[],
  options: RenderChatOptions,
): string {
  const template = parsedTemplate(base)
  const { bos, eos, unk, pad } = base.specialTokens
  try {
    return template.render({
      messages,
      add_generation_prompt: options.addGenerationPrompt,
      // A special token that a base lacks is undefined, as in Hugging Face, and renders as nothing.
      bos_token: bos ?? undefined,
      eos_token: eos ?? undefined,
      unk_token: unk ?? undefined,
      pad_token: pad ?? undefined,
      tools: null,
      documents: null,
      strftime_now: undefined,
      raise_exception: (message: unknown) => {
        throw new Refusal(String(message))
      },
    })
  } catch (cause) {
    if (cause instanceof Refusal) {
      throw new EngineError('invalid-input', `The chat template refuses these messages: ${cause.message}`, {
        cause,
      })
    }
    throw new EngineError('incompatible', `The chat template fails: ${(cause as Error).message}`, { cause })
  }
}

/** What a template says through raise_exception. */
class Refusal extends Error {}

function parsedTemplate(base: ChatTemplateSource): Template {
  const known = parsedTemplates.get(base)
  if (known) return known
  if (base.chatTemplate === null || base.chatTemplate === '') {
    throw new EngineError('incompatible', 'The base has no chat template', {
      hint: 'Use an instruction-tuned base, or add chat_template.jinja to its folder.',
    })
  }
  try {
    const template = new Template(base.chatTemplate)
    parsedTemplates.set(base, template)
    return template
  } catch (cause) {
    throw new EngineError('incompatible', `The chat template cannot be parsed: ${(cause as Error).message}`, {
      cause,
    })
  }
}
