import type { Answer } from '@regraft/engine'
import { z } from 'zod'
import type { Form } from '../config/index.ts'
import { itemFacts, type OpenItem, type VaultAccess, type VaultSuite, VaultVisit } from '../datasets/index.ts'
import { RegraftError } from '../errors/index.ts'
import type { StepRun } from '../lineage/index.ts'
import type { EngineHost, ModelReference } from '../models/index.ts'
import type { AnsweredItem, Confidence } from './measurement.ts'

/** What a step that asks a model may use beside its inputs. */
export interface EvaluateOptions {
  engines: EngineHost
  access: VaultAccess
  onProgress?: (done: number, total: number) => void
}

/** Ids of items that do not count any more; absent for none. */
export const Without = z.array(z.string()).min(1).optional()

/** A suite whose items were handed out, and the model that is asked. `log` of the visit is still to be called. */
export interface OpenedSuite {
  vault: VaultVisit
  suite: VaultSuite
  items: OpenItem[]
  /** Digests of base and adapter. */
  model: ModelReference
}

/** Opens the suite of a step for its model. Inputs: suite, base and, for an adapter, adapter. */
export async function openSuite(
  { inputs, project }: Pick<StepRun<unknown>, 'inputs' | 'project'>,
  access: VaultAccess,
  without: readonly string[] = [],
  form?: Form,
): Promise<OpenedSuite> {
  const digestOf = (role: string) => inputs.find((input) => input.role === role)?.digest ?? null
  const vault = new VaultVisit(project, access, 'evaluate')
  const suite = await vault.suite(digestOf('suite')!)
  const items = await vault.itemsForEvaluation(suite, without)
  const model = { base: digestOf('base')!, adapter: digestOf('adapter'), ...(form ? { form } : {}) }
  return { vault, suite, items, model }
}

/** Lets the model answer all items greedily. */
export async function answerItems(
  { suite, items, model }: OpenedSuite,
  { project, signal }: Pick<StepRun<unknown>, 'project' | 'signal'>,
  { engines, onProgress, maxTokens }: EvaluateOptions & { maxTokens: number | null },
): Promise<AnsweredItem[]> {
  if (maxTokens === null) {
    throw new RegraftError('invalid-input', 'answers that are generated need a limit: maxTokens')
  }
  const call = { conversations: items.map(({ messages }) => messages), maxTokens }
  const answers = await engines.generate(project, model, call, {
    signal,
    ...(onProgress ? { onProgress } : {}),
  })
  const facts = itemFacts(suite)
  return items.map(({ id }, index) => {
    const answer = answers[index]!
    return {
      ...{ id, ...facts.get(id) },
      answer: answer.text.trim(),
      ...confidenceOf(answer),
      tokens: { prompt: answer.promptTokens, answer: answer.tokens.length },
    }
  })
}

/** Of the tokens of an answer; nothing for an answer without any. */
function confidenceOf({ logProbabilities }: Answer): { confidence?: Confidence } {
  if (logProbabilities.length === 0) return {}
  const sum = logProbabilities.reduce((total, value) => total + value, 0)
  const confidence = {
    whole: fourPlaces(Math.exp(sum)),
    mean: fourPlaces(Math.exp(sum / logProbabilities.length)),
    least: fourPlaces(Math.exp(Math.min(...logProbabilities))),
  }
  return { confidence }
}

/** What is beyond depends on the processor. */
export function fourPlaces(value: number): number {
  return Number(value.toFixed(4))
}
