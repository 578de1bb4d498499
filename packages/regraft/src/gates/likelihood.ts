import { z } from 'zod'
import { itemFacts, VaultVisit } from '../datasets/index.ts'
import { defineStep, type Step } from '../lineage/index.ts'
import type { EvaluateOptions } from './evaluate.ts'
import type { LikelihoodMeasurement } from './measurement.ts'

const Parameters = z.object({
  /** Ids of items that do not count any more; absent for none. */
  without: z.array(z.string()).min(1).optional(),
})

/**
 * The step that asks how probable a model finds the expected answers of a suite. Inputs: suite, base and, for an adapter,
 * adapter. Log-probabilities are natural logarithms, rounded to four places.
 */
export function scoreReferences(options: EvaluateOptions): Step<z.output<typeof Parameters>> {
  return defineStep({
    name: 'gates/score-references',
    version: 1,
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
      const scores = await options.engines.score(
        project,
        { base, adapter },
        sealed.map(({ messages, expected }) => ({ messages, completion: expected })),
        { signal, ...(onProgress ? { onProgress } : {}) },
      )
      const facts = itemFacts(suite)
      const measurement: LikelihoodMeasurement = {
        measures: 'suite-likelihood',
        suite: suite.digest,
        ...{ base, adapter },
        items: sealed.map(({ id }, i) => {
          const sum = scores[i]!.reduce((total, value) => total + value, 0)
          return {
            ...{ id, ...facts.get(id) },
            ...{ logProbability: Number(sum.toFixed(4)), tokens: scores[i]!.length },
          }
        }),
      }
      await vault.log({ base, adapter, measures: measurement.measures })
      return [{ role: 'measurement', kind: 'measurement', schemaVersion: 1, value: measurement }]
    },
  })
}
