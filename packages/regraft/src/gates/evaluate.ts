import { z } from 'zod'
import type { Suite } from '../datasets/index.ts'
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

const Parameters = z.object({ maxTokens: z.int().min(1) })

export interface EvaluateOptions {
  engines: EngineHost
  onProgress?: (done: number, total: number) => void
}

/** The step that lets a model answer a suite greedily. Inputs: suite, base and, for an adapter, adapter. */
export function evaluateSuite(options: EvaluateOptions): Step<z.output<typeof Parameters>> {
  return defineStep({
    name: 'gates/evaluate-suite',
    version: 2,
    determinism: 'pure',
    input: Parameters,
    async run({ parameters, inputs, read, project, signal }) {
      const digestOf = (role: string) => inputs.find((input) => input.role === role)?.digest ?? null
      const suite = await read<Suite>('suite')
      const base = digestOf('base')!
      const adapter = digestOf('adapter')
      const { onProgress } = options
      const answers = await options.engines.generate(
        project,
        { base, adapter },
        { conversations: suite.items.map(({ messages }) => messages), maxTokens: parameters.maxTokens },
        { signal, ...(onProgress ? { onProgress } : {}) },
      )
      const measurement: SuiteMeasurement = {
        measures: 'suite-accuracy',
        suite: digestOf('suite')!,
        base,
        adapter,
        maxTokens: parameters.maxTokens,
        items: suite.items.map(({ id, expected }, i) => {
          const answer = answers[i]!.text.trim()
          return { id, answer, correct: isExactMatch(answer, expected) }
        }),
      }
      return [{ role: 'measurement', kind: 'measurement', schemaVersion: 1, value: measurement }]
    },
  })
}
