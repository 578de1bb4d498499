import type { Answer } from '@regraft/engine'
import { z } from 'zod'
import { Scorer } from '../config/index.ts'
import { itemFacts, type VaultAccess, VaultVisit } from '../datasets/index.ts'
import { defineStep, type Step } from '../lineage/index.ts'
import type { EngineHost } from '../models/index.ts'
import type { Confidence, MeasuredItem, SuiteMeasurement } from './measurement.ts'
import { answerScorer, correctFrom } from './suites/index.ts'

const Parameters = z.object({
  maxTokens: z.int().min(1),
  scorer: Scorer.prefault({ kind: 'label-match' }),
  /** Ids of items that do not count any more; absent for none. */
  without: z.array(z.string()).min(1).optional(),
})

export interface EvaluateOptions {
  engines: EngineHost
  access: VaultAccess
  onProgress?: (done: number, total: number) => void
}

/** The step that lets a model answer a suite greedily, and scores it. Inputs: suite, base and, for an adapter, adapter. */
export function evaluateSuite(options: EvaluateOptions): Step<z.output<typeof Parameters>> {
  return defineStep({
    name: 'gates/evaluate-suite',
    version: 3,
    determinism: 'pure',
    input: Parameters,
    async run({ parameters: { maxTokens, scorer, without }, inputs, project, signal }) {
      const digestOf = (role: string) => inputs.find((input) => input.role === role)?.digest ?? null
      const vault = new VaultVisit(project, options.access, 'evaluate')
      const suite = await vault.suite(digestOf('suite')!)
      const sealed = await vault.itemsForEvaluation(suite, without ?? [])
      const base = digestOf('base')!
      const adapter = digestOf('adapter')
      const { onProgress } = options
      const answers = await options.engines.generate(
        project,
        { base, adapter },
        { conversations: sealed.map(({ messages }) => messages), maxTokens },
        { signal, ...(onProgress ? { onProgress } : {}) },
      )
      const facts = itemFacts(suite)
      const scoreOf = answerScorer(scorer)
      const items = sealed.map((item, i): MeasuredItem => {
        const answer = answers[i]!
        const text = answer.text.trim()
        const score = scoreOf(text, item)
        return {
          ...{ id: item.id, ...facts.get(item.id) },
          ...{ answer: text, score, correct: score >= correctFrom(scorer) },
          ...confidenceOf(answer),
          tokens: { prompt: answer.promptTokens, answer: answer.tokens.length },
        }
      })
      const measurement: SuiteMeasurement = {
        measures: 'suite-scores',
        suite: suite.digest,
        ...{ base, adapter, scorer, maxTokens, items },
      }
      vault.noteHits(suite, items.filter(({ correct }) => correct).length)
      await vault.log({ base, adapter, scorer: scorer.kind })
      return [{ role: 'measurement', kind: 'measurement', schemaVersion: 2, value: measurement }]
    },
  })
}

/** Of the tokens of an answer; nothing for an answer without any. */
function confidenceOf({ logProbabilities }: Answer): { confidence?: Confidence } {
  if (logProbabilities.length === 0) return {}
  const sum = logProbabilities.reduce((total, value) => total + value, 0)
  const confidence = {
    whole: rounded(Math.exp(sum)),
    mean: rounded(Math.exp(sum / logProbabilities.length)),
    least: rounded(Math.exp(Math.min(...logProbabilities))),
  }
  return { confidence }
}

function rounded(value: number): number {
  return Number(value.toFixed(4))
}
