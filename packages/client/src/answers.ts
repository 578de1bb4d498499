/** What a wrapped client remembers of an answer. */
export interface RememberedAnswer {
  /** Id of the answer, as the model's provider gave it. */
  id: string
  /** Id under which Regraft knows it. */
  inferenceId: string
  /** JSON of the messages that were asked. */
  messages: string
  /** Text of each choice; '' where it has none (a call of a tool). */
  texts: string[]
  /** End user that the request named. */
  subject: string | null
  /** Conversation that the request named. */
  conversation: string | null
  /** Whether feedback said that it was used (accept, copy, edit). */
  used: boolean
}

/** The last answers of this process, by id. */
export class Answers {
  readonly #most: number
  readonly #byId = new Map<string, RememberedAnswer>()
  readonly #lastOf = new Map<string, RememberedAnswer>()

  constructor(most: number) {
    this.#most = most
  }

  get(id: string): RememberedAnswer | undefined {
    return this.#byId.get(id)
  }

  /** The last answer of a conversation that came to its end. */
  lastOf(conversation: string): RememberedAnswer | undefined {
    return this.#lastOf.get(conversation)
  }

  note(answer: RememberedAnswer): void {
    put(this.#byId, answer.id, answer, this.#most)
    if (answer.conversation !== null) put(this.#lastOf, answer.conversation, answer, this.#most)
  }
}

function put<T>(map: Map<string, T>, key: string, value: T, most: number): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= most) return
  for (const oldest of map.keys()) return void map.delete(oldest)
}
