import { performance } from 'node:perf_hooks'
import { z } from 'zod'
import { VaultVisit } from '../datasets/index.ts'
import { defineStep, type Step } from '../lineage/index.ts'
import type { EvaluateOptions } from './evaluate.ts'
import type { LatencyMeasurement } from './measurement.ts'

const Parameters = z.object({
  maxTokens: z.int().min(1),
  /** How many items are asked, the first ones. */
  items: z.int().min(1),
  /** Ids of items that do not count any more; absent for none. */
  without: z.array(z.string()).min(1).optional(),
})

/**
 * The step that asks items one after another and takes the time of each: answers that share a batch wait for each other.
 * External, since the time of a machine is different at every moment: it is never answered from the cache. The first item is
 * asked once before, so that loading the model is not in it.
 */
export function measureLatency(options: EvaluateOptions): Step<z.output<typeof Parameters>> {
  return defineStep({
    name: 'gates/measure-latency',
    version: 1,
    determinism: 'external',
    input: Parameters,
    async run({ parameters: { maxTokens, items: most, without }, inputs, project, signal }) {
      const digestOf = (role: string) => inputs.find((input) => input.role === role)?.digest ?? null
      const vault = new VaultVisit(project, options.access, 'evaluate')
      const suite = await vault.suite(digestOf('suite')!)
      const sealed = (await vault.itemsForEvaluation(suite, without ?? [])).slice(0, most)
      const model = { base: digestOf('base')!, adapter: digestOf('adapter') }
      const items: LatencyMeasurement['items'] = []
      for (const [index, { id, messages }] of [...sealed.slice(0, 1), ...sealed].entries()) {
        const began = performance.now()
        const call = { conversations: [messages], maxTokens }
        const [answer] = await options.engines.generate(project, model, call, { signal })
        const seconds = Number(((performance.now() - began) / 1000).toFixed(6))
        if (index === 0) continue
        const tokens = { prompt: answer!.promptTokens, answer: answer!.tokens.length }
        items.push({ id, seconds, tokens })
        options.onProgress?.(index, sealed.length)
      }
      const measurement: LatencyMeasurement = {
        measures: 'suite-latency',
        suite: suite.digest,
        ...model,
        ...{ maxTokens, items },
      }
      await vault.log({ ...model, measures: measurement.measures })
      return [{ role: 'measurement', kind: 'measurement', schemaVersion: 1, value: measurement }]
    },
  })
}
