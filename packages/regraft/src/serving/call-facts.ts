// What a request says about itself beside the conversation: who its end user is, to which conversation it belongs, and
// how the product chose the model.
import { RegraftError } from '../errors/index.ts'
import type { ProjectStore } from '../store/types.ts'
import { isRecord } from './json.ts'

export const CONVERSATION_HEADER = 'x-regraft-conversation'
export const PROPENSITY_HEADER = 'x-regraft-propensity'
export const SUBJECT_HEADER = 'x-regraft-subject'
/** Names the inference in an answer. */
export const INFERENCE_HEADER = 'x-regraft-inference-id'

const LONGEST = 512

export interface CallFacts {
  conversation: string | null
  propensity: number | null
  /** Keyed hash of the end user. */
  subject: string | null
  /** Fields of the request that are logged: all but messages, model, and what names the end user. */
  parameters: Record<string, unknown>
}

/** Throws 'invalid-input' naming the header that makes no sense. */
export async function readCallFacts(
  store: ProjectStore,
  header: (name: string) => string | undefined,
  request: Record<string, unknown>,
): Promise<CallFacts> {
  const { messages: _, model: __, user, safety_identifier: identifier, ...rest } = request
  const metadata = isRecord(request.metadata) ? request.metadata : {}
  const person = shortText(header(SUBJECT_HEADER), SUBJECT_HEADER) ?? textOf(identifier) ?? textOf(user)
  const conversation =
    shortText(header(CONVERSATION_HEADER), CONVERSATION_HEADER) ?? textOf(metadata.conversation)
  return {
    conversation,
    propensity: probability(header(PROPENSITY_HEADER)),
    subject: person === null ? null : await subjectOf(store, person),
    parameters: person === null ? rest : withoutText(rest, person),
  }
}

async function subjectOf(store: ProjectStore, person: string): Promise<string> {
  const subject = await store.keys.subjectOf(person)
  // Makes the key of a new subject while the model still thinks.
  void store.keys.digest(`subject/${subject}`, new Uint8Array(0)).catch(() => {})
  return subject
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value : null
}

function shortText(value: string | undefined, name: string): string | null {
  const text = textOf(value)
  if (text === null || text.length <= LONGEST) return text
  throw new RegraftError('invalid-input', `the header ${name} is over ${LONGEST} characters`, {
    details: { param: name },
  })
}

function probability(value: string | undefined): number | null {
  if (value === undefined) return null
  const number = Number(value)
  if (value.trim() !== '' && number > 0 && number <= 1) return number
  throw new RegraftError(
    'invalid-input',
    `the header ${PROPENSITY_HEADER} is no probability: expected a number above 0 and up to 1, found '${value}'`,
    { details: { param: PROPENSITY_HEADER } },
  )
}

/** Leaves out members, of the object and of its `metadata`, that are the text: products repeat the id of a person. */
function withoutText(fields: Record<string, unknown>, text: string): Record<string, unknown> {
  const kept = Object.entries(fields).filter(([, value]) => value !== text)
  return Object.fromEntries(
    kept.map(([name, value]) => [
      name,
      name === 'metadata' && isRecord(value) ? withoutText(value, text) : value,
    ]),
  )
}
