/** The queues of the desk; an answer of the router is exactly one of these names. */
export const QUEUES = [
  'billing',
  'refunds',
  'delivery',
  'returns',
  'orders',
  'account access',
  'plans',
  'bugs',
  'setup',
  'repairs',
  'privacy',
  'sales',
] as const

export type Queue = (typeof QUEUES)[number]

/** The fragments that tickets of a queue are put together from, in the notation of `expand`. */
export interface Phrases {
  /** What the customer asks for; decides the queue. */
  requests: string[]
  /** What happened, told before a request; by itself it belongs to the queue too. */
  situations: string[]
  /** Whole tickets of people in a hurry. */
  terse: string[]
}
