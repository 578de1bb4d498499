import { z } from 'zod'
import { explainConfig } from '../../config/index.ts'
import { defineOperation } from '../../operation/index.ts'

const explain = defineOperation({
  name: 'config explain',
  effect: 'read',
  scope: 'read',
  mode: 'call',
  summary: 'Show every configuration value and where it came from',
  input: z.object({}),
  output: z.object({
    file: z.string().nullable().describe('the configuration file'),
    values: z.array(
      z.object({
        path: z.string(),
        value: z.unknown(),
        source: z.enum(['option', 'environment', 'file', 'default']),
        detail: z.string().describe('option, variable, or file and line'),
      }),
    ),
  }),
  example: 'regraft config explain',
  offline: true,
  render({ file, values }) {
    const width = Math.max(...values.map(({ path }) => path.length))
    const lines = values.map(
      ({ path, value, source, detail }) =>
        `${path.padEnd(width)}  ${JSON.stringify(value)}  (${[source, detail].filter(Boolean).join(' ')})`,
    )
    return [file ?? 'no regraft.yaml', ...lines].join('\n')
  },
  async run({ services }) {
    return { file: services.configuration.file, values: explainConfig(services.configuration) }
  },
})

export const configOperations = [explain]
