import { resolve } from 'node:path'
import { styleText } from 'node:util'
import { z } from 'zod'
import { defineLocalCommand } from './types.ts'

export const demo = defineLocalCommand({
  name: 'demo',
  summary: 'Run the whole loop on sample traffic in a folder of its own, in about two minutes',
  input: z.object({
    folder: z.string().default('regraft-demo').describe('made anew, replaced when an earlier demo made it'),
    seed: z.int().min(0).default(1).describe('seed of the sample and of the training'),
  }),
  positionals: ['folder'],
  example: 'regraft demo',
  async run({ terminal }, input) {
    const { runDemo } = await import('../../demo/run-demo.ts')
    await runDemo({
      folder: resolve(input.folder),
      seed: input.seed,
      print: (text) => terminal.print(text),
      heading: (text) => styleText('bold', text, { stream: process.stdout }),
    })
  },
})
