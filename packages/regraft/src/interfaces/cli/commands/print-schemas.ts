import { z } from 'zod'
import { configJsonSchema } from '../../../config/index.ts'
import { VERSION } from '../../version.ts'
import { defineLocalCommand } from './types.ts'

export const configSchema = defineLocalCommand({
  name: 'config schema',
  summary: 'Print the JSON Schema of regraft.yaml, for editors',
  input: z.object({}),
  positionals: [],
  example: 'regraft config schema > regraft.schema.json',
  async run({ terminal }) {
    terminal.print(JSON.stringify(configJsonSchema(), null, 2))
  },
})

export const openapi = defineLocalCommand({
  name: 'openapi',
  summary: 'Print the OpenAPI 3.1 document of the HTTP API',
  input: z.object({}),
  positionals: [],
  example: 'regraft openapi > openapi.json',
  async run({ terminal, operations }) {
    const { openApiDocument } = await import('../../http/openapi.ts')
    terminal.print(JSON.stringify(openApiDocument(operations, VERSION), null, 2))
  },
})
