import { z } from 'zod'
import { type VaultAccess, VaultVisit } from '../datasets/index.ts'
import { defineStep, type Step } from '../lineage/index.ts'
import type { EngineHost } from '../models/index.ts'
import { isExactMatch } from './exact-match.ts'

/** The content of a measurement artifact of a suite: one answer per item, in the suite's order. */
export interface SuiteMeasurement {
  measures: 'suite-accuracy'
  suite: string
  base: string
  adapter: string | null
  maxTokens: number
  items: { id: string; answer: string; correct: boolean }[]
}

const Parameters = z.object({
  maxTokens: z.int().min(1),
  /** Ids of items that do not count any more; absent for none. */
  without: z.array(z.string()).min(1).optional(),
})

export interface EvaluateOptions {
  engines: EngineHost
  access: VaultAccess
  onProgress?: (done: number, total: number) => void
}

/** The step that lets a model answer a suite greedily. Inputs: suite, base and, for an adapter, adapter. */
export function evaluateSuite(options: EvaluateOptions): Step<z.output<typeof Parameters>> {
  return defineStep({
    name: 'gates/evaluate-suite',
    version: 2,
    determinism: 'pure',
    input: Parameters,
    async run({ parameters, inputs, project, signal }) {
      const digestOf = (role: string) => inputs.find((input) => input.role === role)?.digest ?? null
      const vault = new VaultVisit(project, options.access, 'evaluate')
      const suite = await vault.suite(digestOf('suite')!)
      const sealed = await vault.itemsForEvaluation(suite, parameters.without ?? [])
      const base = digestOf('base')!
      const adapter = digestOf('adapter')
      const { onProgress } = options
      const answers = await options.engines.generate(
        project,
        { base, adapter },
        { conversations: sealed.map(({ messages }) => messages), maxTokens: parameters.maxTokens },
        { signal, ...(onProgress ? { onProgress } : {}) },
      )
      const items = sealed.map(({ id, expected }, i) => {
        const answer = answers[i]!.text.trim()
        return { id, answer, correct: isExactMatch(answer, expected) }
      })
      const measurement: SuiteMeasurement = {
        measures: 'suite-accuracy',
        suite: suite.digest,
        base,
        adapter,
        maxTokens: parameters.maxTokens,
        items,
      }
      vault.noteHits(suite, items.filter(({ correct }) => correct).length)
      await vault.log({ base, adapter })
      return [{ role: 'measurement', kind: 'measurement', schemaVersion: 1, value: measurement }]
    },
  })
}
