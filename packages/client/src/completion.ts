// Chat completions in OpenAI's shape: whole, or put together from the chunks of a stream.

interface Choice {
  index: number
  message: { role: string; content: string | null; [field: string]: unknown }
  finish_reason: string | null
}

export interface Completion {
  id: string
  choices: Choice[]
  [field: string]: unknown
}

interface ToolCall {
  index?: number
  function?: { name?: string; arguments?: string }
  [field: string]: unknown
}

export interface Chunk {
  id?: string
  choices?: { index?: number; delta?: Record<string, unknown>; finish_reason?: string | null }[]
  usage?: unknown
  [field: string]: unknown
}

/** Puts a completion together from its chunks, texts and calls of tools included. */
export class CompletionBuilder {
  readonly #choices = new Map<number, Choice>()
  #head: Record<string, unknown> = {}
  /** When the first piece of an answer came. */
  firstPieceAt: number | null = null

  add(chunk: Chunk, now: number): void {
    const { choices = [], ...head } = chunk
    const known = Object.entries(head).filter(([, value]) => value != null)
    this.#head = { ...this.#head, ...Object.fromEntries(known) }
    for (const { index = 0, delta = {}, finish_reason: reason } of choices) {
      let choice = this.#choices.get(index)
      if (!choice) {
        choice = { index, message: { role: 'assistant', content: null }, finish_reason: null }
        this.#choices.set(index, choice)
      }
      if (reason != null) choice.finish_reason = reason
      for (const [field, value] of Object.entries(delta)) {
        if (value == null || field === 'role' || field === '__proto__') continue
        if (value !== '') this.firstPieceAt ??= now
        choice.message[field] = joined(choice.message[field], value)
      }
    }
  }

  /** Null before any chunk with an id has come. */
  completion(): Completion | null {
    const { id } = this.#head
    if (typeof id !== 'string' || id === '') return null
    const choices = [...this.#choices.values()].sort((a, b) => a.index - b.index)
    return { ...this.#head, id, object: 'chat.completion', choices }
  }
}

/** Texts grow, entries with an index (calls of tools) grow where they are, anything else is the newest. */
function joined(before: unknown, piece: unknown): unknown {
  if (typeof piece === 'string') return typeof before === 'string' ? before + piece : piece
  if (!Array.isArray(piece)) return piece
  const list: ToolCall[] = Array.isArray(before) ? before : []
  for (const { index, ...call } of piece as ToolCall[]) {
    const place = index ?? list.length
    const earlier: ToolCall = list[place] ?? {}
    const { function: said, ...rest } = call
    const named = said && {
      function: {
        name: earlier.function?.name || said.name || '',
        arguments: (earlier.function?.arguments ?? '') + (said.arguments ?? ''),
      },
    }
    list[place] = { ...earlier, ...rest, ...named }
  }
  return list
}
