import { v7 as uuidv7 } from 'uuid'
import type { Store } from '../open.ts'
import type { NewExample, NewInference, ProjectStore } from '../types.ts'

/** What a part of the spec gets: a fresh project per call, and a way to open the same store a second time. */
export interface SpecContext {
  store: () => Store
  project: () => ProjectStore
}

export const NOON = new Date('2026-03-01T12:00:00.000Z')

export function inference(text: string, changes: Partial<NewInference> = {}): NewInference {
  return {
    id: uuidv7(),
    occurredAt: NOON,
    payload: {
      messages: [{ role: 'user', content: text }],
      response: null,
      model: null,
      adapter: null,
      route: null,
      parameters: {},
      latencyMs: null,
      usage: null,
      finishReason: null,
      source: { kind: 'serving' },
    },
    ...changes,
  }
}

export function example(text: string, derivedFrom: string[] = []): NewExample {
  return {
    id: uuidv7(),
    occurredAt: NOON,
    payload: { messages: [{ role: 'user', content: text }], completion: 'billing', signal: 'label' },
    derivedFrom,
  }
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const item of items) collected.push(item)
  return collected
}
