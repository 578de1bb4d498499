// Reads a streamed chat completion while it passes by: server-sent events (WHATWG HTML, 9.2.6) whose data are chunks in
// OpenAI's shape, ended by `[DONE]`.
import { StringDecoder } from 'node:string_decoder'
import { isRecord } from './json.ts'
import { type Choice, type ObservedAnswer, parseJson, readUsage, textOrNull } from './observed-answer.ts'

export class StreamReader {
  /** Whether `[DONE]` was seen. */
  done = false
  /** Whether an event with data has been seen whole. */
  begun = false
  /** The upstream's own id. */
  id: string | null = null
  readonly #now: () => number
  readonly #decoder = new StringDecoder('utf8')
  readonly #choices = new Map<number, Choice>()
  #rest = ''
  #data: string[] = []
  #model: string | null = null
  #usage: ObservedAnswer['usage'] = null
  #firstPieceAt: number | null = null

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  feed(bytes: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(bytes)).split(/\r\n|\n|\r(?!$)/)
    this.#rest = lines.pop()!
    for (const line of lines) {
      if (line === '') this.#endEvent()
      else if (line.startsWith('data:')) this.#data.push(line.slice(line[5] === ' ' ? 6 : 5))
    }
  }

  /** Whether the next byte begins a line after a whole event. */
  get betweenEvents(): boolean {
    return this.#rest === '' && this.#data.length === 0
  }

  /** What was seen. A stream that lacks an end, `[DONE]` or the reason of each answer's end, was cut off. */
  finish(): ObservedAnswer {
    this.feed(Buffer.from('\n\n'))
    const choices = [...this.#choices.values()].sort((a, b) => a.index - b.index)
    for (const { message } of choices) {
      if (Array.isArray(message.tool_calls)) message.tool_calls = message.tool_calls.map(withoutIndex)
    }
    const ended = choices.length > 0 && choices.every(({ finish_reason: reason }) => reason !== null)
    return {
      id: this.id,
      model: this.#model,
      choices,
      usage: this.#usage,
      cutOff: !this.done && !ended,
      firstPieceAt: this.#firstPieceAt,
    }
  }

  #endEvent(): void {
    if (this.#data.length === 0) return
    const data = this.#data.length === 1 ? this.#data[0]! : this.#data.join('\n')
    this.#data = []
    this.begun = true
    if (data === '[DONE]') {
      this.done = true
      return
    }
    const chunk = parseJson(data)
    if (!isRecord(chunk)) return
    this.id ??= textOrNull(chunk.id)
    this.#model ??= textOrNull(chunk.model)
    this.#usage = readUsage(chunk.usage) ?? this.#usage
    if (!Array.isArray(chunk.choices)) return
    for (const [place, choice] of chunk.choices.entries()) if (isRecord(choice)) this.#add(choice, place)
  }

  #add(part: Record<string, unknown>, place: number): void {
    const index = typeof part.index === 'number' ? part.index : place
    const choice = this.#choices.get(index) ?? { index, message: {}, finish_reason: null }
    this.#choices.set(index, choice)
    choice.finish_reason = textOrNull(part.finish_reason) ?? choice.finish_reason
    if (!isRecord(part.delta)) return
    if (this.#firstPieceAt === null && saysSomething(part.delta)) this.#firstPieceAt = this.#now()
    mergeDelta(choice.message, part.delta)
  }
}

/** Members that are named once, and that some upstreams repeat in every chunk. */
const NAMES = new Set(['role', 'id', 'type', 'name'])

/** Adds a chunk's delta: texts grow, lists grow by the `index` of their members, other values replace. */
export function mergeDelta(into: Record<string, unknown>, delta: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(delta)) {
    if (name === '__proto__') continue
    const before = into[name]
    if (value === null || value === undefined) into[name] ??= null
    else if (typeof value === 'string')
      into[name] = typeof before === 'string' && !NAMES.has(name) ? before + value : value
    else if (Array.isArray(value)) into[name] = mergeLists(Array.isArray(before) ? before : [], value)
    else if (isRecord(value)) {
      const target = isRecord(before) ? before : {}
      mergeDelta(target, value)
      into[name] = target
    } else into[name] = value
  }
}

function mergeLists(into: unknown[], parts: unknown[]): unknown[] {
  for (const part of parts) {
    const same = isRecord(part) && into.find((member) => isRecord(member) && member.index === part.index)
    if (isRecord(part) && typeof part.index === 'number' && isRecord(same)) mergeDelta(same, part)
    else into.push(isRecord(part) ? structuredClone(part) : part)
  }
  return into
}

function saysSomething(delta: Record<string, unknown>): boolean {
  return Object.entries(delta).some(
    ([name, value]) =>
      name !== 'role' && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0),
  )
}

function withoutIndex(call: unknown): unknown {
  if (!isRecord(call)) return call
  const { index: _, ...rest } = call
  return rest
}
