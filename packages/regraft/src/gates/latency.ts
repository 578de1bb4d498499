import { performance } from 'node:perf_hooks'
import { z } from 'zod'
import { defineStep, type Step } from '../lineage/index.ts'
import { type EvaluateOptions, openSuite, Without } from './ask-suite.ts'
import type { LatencyMeasurement } from './measurement.ts'

const Parameters = z.object({
  maxTokens: z.int().min(1),
  /** How many items are asked, the first ones. */
  items: z.int().min(1),
  without: Without,
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
    async run(call) {
      const { maxTokens, items: most, without } = call.parameters
      const { vault, suite, items: all, model } = await openSuite(call, options.access, without)
      const asked = all.slice(0, most)
      const items: LatencyMeasurement['items'] = []
      for (const [index, { id, messages }] of [...asked.slice(0, 1), ...asked].entries()) {
        const began = performance.now()
        const request = { conversations: [messages], maxTokens }
        const [answer] = await options.engines.generate(call.project, model, request, { signal: call.signal })
        const seconds = Number(((performance.now() - began) / 1000).toFixed(6))
        if (index === 0) continue
        const tokens = { prompt: answer!.promptTokens, answer: answer!.tokens.length }
        items.push({ id, seconds, tokens })
        options.onProgress?.(index, asked.length)
      }
      const measurement: LatencyMeasurement = {
        measures: 'suite-latency',
        ...{ suite: suite.digest, ...model, maxTokens, items },
      }
      await vault.log({ ...model, measures: measurement.measures })
      return [{ role: 'measurement', kind: 'measurement', schemaVersion: 1, value: measurement }]
    },
  })
}
