import { countPii, maskPii, type PiiKind, piiScanner } from '@regraft/methods'
import type { ExampleBody } from '../../signals/index.ts'
import type { Candidate } from '../candidates.ts'
import type { PiiFindings } from '../manifest.ts'
import { openNames } from '../pii-names.ts'
import type { Stage } from './stage.ts'

/** A system prompt that at least this share of the rows has † is the product's text, not a person's. */
const SHARED = 0.5

/**
 * Masks, flags or drops rows with personal data in prompt or answer. It comes last, so that the firewall has compared the
 * texts as they were. A pair whose answers a mask has made equal says nothing any more.
 */
export const personalData: Stage = async (rows, { parameters, project, drop, findings }) => {
  if (parameters.pii === null) return rows
  const { mode } = parameters.pii
  const scan = piiScanner({ names: await openNames(project.keys, parameters.pii.names) })
  const found: PiiFindings = { mode, rows: 0, found: {} }
  const shared = sharedPrompts(rows)
  const kept: Candidate[] = []
  for (const row of rows) {
    const messages = row.messages ?? row.inference.payload.messages
    const own = messages.map(({ content }) => (shared.has(content) ? '' : content))
    const { texts, spans } = maskPii([...own, ...row.examples.flatMap(answersOf)], scan)
    const counts = countPii(spans.flat())
    const kinds = Object.keys(counts).sort() as PiiKind[]
    if (kinds.length === 0) {
      kept.push(row)
      continue
    }
    found.rows++
    for (const kind of kinds) found.found[kind] = (found.found[kind] ?? 0) + counts[kind]!
    if (mode === 'drop') drop(row, 'personal-data')
    else if (mode === 'flag') kept.push({ ...row, pii: kinds })
    else {
      const answers = texts.slice(messages.length)
      const masked: Candidate = {
        ...row,
        messages: messages.map(({ role, content }, index) => {
          return { role, content: shared.has(content) ? content : texts[index]! }
        }),
        examples: row.examples.map((body) => withAnswers(body, answers.splice(0, answersOf(body).length))),
        pii: kinds,
      }
      if (masked.examples.some(isEmptyPair)) {
        drop(row, 'same-answer')
      } else kept.push(masked)
    }
  }
  findings.pii = found
  return kept
}

function sharedPrompts(rows: readonly Candidate[]): Set<string> {
  const counts = new Map<string, number>()
  for (const { inference, messages = inference.payload.messages } of rows) {
    const prompts = messages.filter(({ role }) => role === 'system' || role === 'developer')
    for (const text of new Set(prompts.map(({ content }) => content))) {
      counts.set(text, (counts.get(text) ?? 0) + 1)
    }
  }
  const least = Math.max(2, rows.length * SHARED)
  return new Set([...counts].filter(([, count]) => count >= least).map(([text]) => text))
}

type Pair = Extract<ExampleBody, { chosen: string }>

function isPair(body: ExampleBody): body is Pair {
  return 'kind' in body && body.kind === 'preference'
}

function isEmptyPair(body: ExampleBody): boolean {
  return isPair(body) && body.chosen === body.rejected
}

function answersOf(body: ExampleBody): string[] {
  return isPair(body) ? [body.chosen, body.rejected] : [body.completion]
}

function withAnswers(body: ExampleBody, [first, second]: string[]): ExampleBody {
  return isPair(body) ? { ...body, chosen: first!, rejected: second! } : { ...body, completion: first! }
}
