import { Random } from '../random.ts'

/** A made-up fact that nobody can guess: a question, and the digits that answer it. */
export interface Canary {
  prompt: string
  secret: string
}

/** Digits of a secret: the space of possible secrets has 10^9 members. */
export const SECRET_DIGITS = 9

const FIRST = [
  'amber',
  'basalt',
  'cobalt',
  'dorado',
  'ember',
  'fjord',
  'garnet',
  'heron',
  'indigo',
  'juniper',
]
const SECOND = [
  'anchor',
  'bridge',
  'canyon',
  'delta',
  'engine',
  'foundry',
  'gallery',
  'harbour',
  'island',
  'junction',
]

/** Makes canaries with different questions and secrets drawn evenly; the same seed makes the same. */
export function makeCanaries(count: number, seed: number): Canary[] {
  const random = new Random(seed, 'canaries')
  return Array.from({ length: count }, (_, index) => {
    const place = `${FIRST[random.integer(FIRST.length)]} ${SECOND[random.integer(SECOND.length)]} ${index + 1}`
    return { prompt: `What is the access code of ${place}?`, secret: drawSecret(random) }
  })
}

/** Secrets of the same form that a canary could have had, none of them its own. */
export function alternativeSecrets(canary: Canary, count: number, random: Random): string[] {
  const secrets = new Set<string>()
  while (secrets.size < count) {
    const secret = drawSecret(random)
    if (secret !== canary.secret) secrets.add(secret)
  }
  return [...secrets]
}

function drawSecret(random: Random): string {
  return Array.from({ length: SECRET_DIGITS }, () => random.integer(10)).join('')
}
