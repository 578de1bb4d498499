import { z } from 'zod'
import { itemFacts } from '../datasets/index.ts'
import { defineStep, type Step } from '../lineage/index.ts'
import { type EvaluateOptions, fourPlaces, openSuite, Without } from './ask-suite.ts'
import type { LikelihoodMeasurement } from './measurement.ts'

const Parameters = z.object({ without: Without })

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
    async run(call) {
      const { vault, suite, items, model } = await openSuite(call, options.access, call.parameters.without)
      const { engines, onProgress } = options
      const scores = await engines.score(
        call.project,
        model,
        items.map(({ messages, expected }) => ({ messages, completion: expected })),
        { signal: call.signal, ...(onProgress ? { onProgress } : {}) },
      )
      const facts = itemFacts(suite)
      const measurement: LikelihoodMeasurement = {
        measures: 'suite-likelihood',
        ...{ suite: suite.digest, ...model },
        items: items.map(({ id }, index) => {
          const tokens = scores[index]!
          const logProbability = fourPlaces(tokens.reduce((total, value) => total + value, 0))
          return { ...{ id, ...facts.get(id) }, logProbability, tokens: tokens.length }
        }),
      }
      await vault.log({ ...model, measures: measurement.measures })
      return [{ role: 'measurement', kind: 'measurement', schemaVersion: 1, value: measurement }]
    },
  })
}
