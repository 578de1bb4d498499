import { z } from 'zod'
import { defineOperation, OutputText } from '../../operation/index.ts'
import { gatherCardFacts } from './card-facts.ts'
import { modelCard } from './model-card.ts'

/** The record of a registered version, for people and for the Hub. */
export const cardOperation = defineOperation({
  name: 'fleet card',
  effect: 'read',
  scope: 'read',
  mode: 'call',
  summary:
    "Write the model card of a registered adapter, with the Hub's metadata; unknowns are said to be unknown",
  input: z.object({ reference: z.string().describe('name, name@candidate or name@version') }),
  output: z.object({ name: z.string(), version: z.int(), out: OutputText.describe('the card, in Markdown') }),
  positionals: ['reference'],
  example: 'regraft fleet card routing --out README.md',
  render: ({ name, version, out }) => out.text || `card of ${name} v${version}`,
  async run(context, { reference }) {
    const facts = await gatherCardFacts(context, reference)
    const { name, version } = facts.registration
    return { name, version, out: { name: 'README.md', text: modelCard(facts) } }
  },
})
