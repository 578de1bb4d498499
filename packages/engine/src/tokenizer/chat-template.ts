import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja'
import { EngineError } from '../errors.ts'
import type { Base, ChatMessage } from '../formats/types.ts'
import { fixedDate } from './fixed-date.ts'

export type ChatTemplateSource = Pick<Base, 'chatTemplate' | 'specialTokens'>

export interface RenderChatOptions {
  /** Appends the opening of an assistant's turn, for the model to continue. */
  addGenerationPrompt: boolean
}

/**
 * Renders a conversation through the base's own Jinja template.
 *
 * Templates see messages, add_generation_prompt, bos_token, eos_token, unk_token, pad_token and raise_exception as
 * in Hugging Face's apply_chat_template, but no clock, so that equal messages give equal text: strftime_now is
 * undefined, or tells a fixed date to templates that do not ask whether it is defined. Throws `incompatible` when there is no template or it fails, `invalid-input` when it refuses the messages.
 */
export function renderChat(
  base: ChatTemplateSource,
  messages: readonly ChatMessage[],
  options: RenderChatOptions,
): string {
  const program = parsedTemplate(base)
  const { bos, eos, unk, pad } = base.specialTokens
  const environment = new Environment()
  const variables = {
    ...GLOBALS,
    messages,
    add_generation_prompt: options.addGenerationPrompt,
    // A special token that a base lacks is undefined, as in Hugging Face, and renders as nothing.
    bos_token: bos ?? undefined,
    eos_token: eos ?? undefined,
    unk_token: unk ?? undefined,
    pad_token: pad ?? undefined,
    tools: null,
    documents: null,
  }
  for (const [name, value] of Object.entries(variables)) environment.set(name, value)
  if (demandsDate(base.chatTemplate ?? '')) environment.set('strftime_now', fixedDate)
  try {
    return String(new Interpreter(environment).run(program).value)
  } catch (cause) {
    if (cause instanceof Refusal) {
      throw new EngineError('invalid-input', `The chat template refuses these messages: ${cause.message}`, {
        cause,
      })
    }
    throw new EngineError('incompatible', `The chat template fails: ${(cause as Error).message}`, { cause })
  }
}

function demandsDate(template: string): boolean {
  return /\bstrftime_now\s*\(/.test(template) && !/\bstrftime_now\s+is\s+(not\s+)?defined\b/.test(template)
}

/** What a template says through raise_exception. */
class Refusal extends Error {}

/** The library's globals without strftime_now, which would read the clock. */
const GLOBALS = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  range,
  raise_exception: (message: unknown) => {
    throw new Refusal(String(message))
  },
}

/** Python's range. */
function range(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second]
  if (step === 0) throw new Error('range() needs a step other than zero')
  const length = Math.max(0, Math.ceil((stop - start) / step))
  return Array.from({ length }, (_, index) => start + index * step)
}

type Program = ReturnType<typeof parse>

const parsedTemplates = new WeakMap<ChatTemplateSource, Program>()

function parsedTemplate(base: ChatTemplateSource): Program {
  const known = parsedTemplates.get(base)
  if (known) return known
  if (base.chatTemplate === null || base.chatTemplate === '') {
    throw new EngineError('incompatible', 'The base has no chat template', {
      hint: 'Use an instruction-tuned base, or add chat_template.jinja to its folder.',
    })
  }
  try {
    // Hugging Face renders with these two set, whatever Jinja's defaults are.
    const program = parse(tokenize(base.chatTemplate, { lstrip_blocks: true, trim_blocks: true }))
    parsedTemplates.set(base, program)
    return program
  } catch (cause) {
    throw new EngineError('incompatible', `The chat template cannot be parsed: ${(cause as Error).message}`, {
      cause,
    })
  }
}
