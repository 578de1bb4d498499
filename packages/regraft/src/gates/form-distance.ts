import { distributionDistance } from '@regraft/methods'
import { z } from 'zod'
import { Form } from '../config/index.ts'
import { defineStep, runStep, type Step } from '../lineage/index.ts'
import { PROBES, PROBES_VERSION } from '../models/index.ts'
import type { OperationContext } from '../operation/index.ts'
import type { MeasuredModel } from './measure.ts'
import type { FormDistance } from './measurement.ts'

const Parameters = z.object({ form: Form, probes: z.literal(PROBES_VERSION) })

/** Distributions of what follows each probe, under one form of an adapter. */
type Distributions = readonly ArrayLike<number>[]

/** The step that compares a form of an adapter with the adapter at run time in 32-bit floats. Inputs: base and adapter. */
function formDistance(ask: (form: Form) => Promise<Distributions>): Step<z.output<typeof Parameters>> {
  return defineStep({
    name: 'gates/form-distance',
    version: 1,
    determinism: 'pure',
    input: Parameters,
    async run({ parameters: { form }, inputs }) {
      const digestOf = (role: string) => inputs.find((input) => input.role === role)!.digest
      const [reference, found] = [await ask('f32'), await ask(form)]
      const value: FormDistance = {
        measures: 'form-distance',
        ...{ base: digestOf('base'), adapter: digestOf('adapter'), form },
        probes: reference.map((distribution, probe) => {
          const { largest, divergence, variation, sameFirst } = distributionDistance(
            distribution,
            found[probe]!,
          )
          const [a, b, c] = [largest, divergence, variation].map((each) => Number(each.toPrecision(6)))
          return { largest: a!, divergence: b!, variation: c!, sameFirst }
        }),
      }
      return [{ role: 'measurement', kind: 'measurement', schemaVersion: 1, value }]
    },
  })
}

/** Measures forms of one adapter on the frozen probes, which belong to no suite: no query of the vault. */
export function measureForms(
  context: OperationContext,
): (model: MeasuredModel, form: Form) => Promise<string> {
  const { store, signal, services, progress } = context
  const known = new Map<string, Promise<Distributions>>()
  const conversations = PROBES.map((content) => [{ role: 'user', content }])
  return async ({ base, adapter, name }, form) => {
    const ask = (asked: Form) => {
      const key = `${adapter} ${asked}`
      const onProgress = (done: number, total: number) =>
        progress({ stage: `probe ${name} as ${asked}`, done, total, unit: 'probes' })
      const found =
        known.get(key) ??
        services.evaluationEngines.nextTokens(store, { base, adapter, form: asked }, conversations, {
          ...{ signal, onProgress },
        })
      if (asked === 'f32') known.set(key, found)
      return found
    }
    const { digest } = await runStep({ project: store, signal }, formDistance(ask), {
      inputs: [
        { role: 'base', digest: base },
        ...(adapter === null ? [] : [{ role: 'adapter', digest: adapter }]),
      ],
      parameters: { form, probes: PROBES_VERSION },
    })
    return digest('measurement')
  }
}
