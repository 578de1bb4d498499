import { answerDrift } from '@regraft/methods'
import { z } from 'zod'
import type { UpstreamConfig } from '../config/schema.ts'
import { RegraftError } from '../errors/index.ts'
import { defineStep, type Step } from '../lineage/index.ts'
import { canonicalBytes, digestOf } from '../store/index.ts'
import type { Outcome } from '../verdict/index.ts'
import { postJson } from './post-json.ts'
import { PROBES, PROBES_VERSION } from './probes.ts'

/** How a hosted model answered the frozen probes at a moment. */
export interface Fingerprint {
  measures: 'fingerprint'
  upstream: string
  model: string
  probes: number
  askedAt: string
  /** By probe: the answers of all samples. */
  answers: string[][]
}

/** Hosted models vary at temperature 0 too, so that each probe is asked several times. */
const SAMPLES = 3
const MAX_TOKENS = 48
const AT_ONCE = 4
/** † Below the first a drift is certain enough to say so, between the two it cannot be told. */
const ALPHA = { drifted: 0.01, unclear: 0.05 }

const Answer = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string().nullish() }) })).min(1),
})

const Parameters = z.strictObject({
  upstream: z.string(),
  model: z.string(),
  /** Tells rounds apart: answers of another round are not taken for those of this one. */
  round: z.string(),
})

export interface FingerprintOptions {
  config: UpstreamConfig
  now: () => Date
  onProgress?: (done: number, total: number) => void
  /** First delay before a request is sent again, in milliseconds. */
  delay?: number
}

/** The step that asks a hosted model the probes; a round that was interrupted goes on from the ledger. */
export function takeFingerprint(options: FingerprintOptions): Step<z.output<typeof Parameters>> {
  return defineStep({
    name: 'models/take-fingerprint',
    version: 1,
    determinism: 'external',
    input: Parameters,
    async run({ parameters, ledger, signal }) {
      const { upstream, model } = parameters
      const total = PROBES.length * SAMPLES
      const answers = PROBES.map((): string[] => [])
      const waiting = Array.from({ length: total }, (_, index) => index)
      // Where one has failed, the others ask no more.
      const stop = new AbortController()
      const together = AbortSignal.any([signal, stop.signal])
      let done = 0
      const work = async () => {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
          const [probe, sample] = [Math.floor(next / SAMPLES), next % SAMPLES]
          const body = requestOf(model, PROBES[probe]!)
          const digest = digestOf('probe', 1, canonicalBytes({ ...parameters, body }))
          const bytes = await ledger.call(digest, sample, () => ask(upstream, body, options, together))
          answers[probe]![sample] = new TextDecoder().decode(bytes)
          options.onProgress?.(++done, total)
        }
      }
      const failures: unknown[] = []
      const fail = (error: unknown) => {
        failures.push(error)
        stop.abort()
      }
      await Promise.all(Array.from({ length: AT_ONCE }, () => work().catch(fail)))
      if (failures.length > 0) throw failures[0]
      const value: Fingerprint = {
        ...{ measures: 'fingerprint', upstream, model, probes: PROBES_VERSION, answers },
        askedAt: options.now().toISOString(),
      }
      return [{ role: 'fingerprint', kind: 'measurement', schemaVersion: 1, value }]
    },
  })
}

function requestOf(model: string, probe: string) {
  return { model, messages: [{ role: 'user', content: probe }], temperature: 0, max_tokens: MAX_TOKENS }
}

async function ask(
  upstream: string,
  body: unknown,
  { config: { url, apiKey, headers }, delay }: FingerprintOptions,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const hint = `look at upstreams.${upstream} in regraft.yaml`
  const answer = await postJson(`${url.replace(/\/+$/, '')}/chat/completions`, body, {
    ...{ what: `the upstream '${upstream}'`, hint, apiKey, headers, signal },
    ...(delay === undefined ? {} : { delay }),
  })
  const parsed = Answer.safeParse(answer)
  if (parsed.success) return new TextEncoder().encode(parsed.data.choices[0]!.message.content ?? '')
  throw new RegraftError('incompatible', `the upstream '${upstream}' answered with what is no completion`, {
    hint,
  })
}

export interface FingerprintChange {
  outcome: Outcome
  reason: string
  /** Share of the probes whose most frequent answer is another one. */
  effect: number
  n: number
}

/** Says whether a later fingerprint is one of the same model. */
export function compareFingerprints(before: Fingerprint, after: Fingerprint): FingerprintChange {
  const n = before.answers.length
  if (before.probes !== after.probes) {
    const reason = 'the two fingerprints were taken with other probes: take the first one again'
    return { outcome: 'cannot-tell', reason, effect: 0, n }
  }
  const { changed, p } = answerDrift(before.answers, after.answers)
  const outcome = p < ALPHA.drifted ? 'fail' : p < ALPHA.unclear ? 'cannot-tell' : 'pass'
  const days = `${before.askedAt.slice(0, 10)} and ${after.askedAt.slice(0, 10)}`
  const reason = `${changed} of ${n} probes are mostly answered otherwise (${days}); p = ${p.toPrecision(2)}, drift below ${ALPHA.drifted}†`
  return { outcome, reason, effect: changed / n, n }
}
