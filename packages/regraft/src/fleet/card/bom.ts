import { z } from 'zod'
import { defineOperation, OutputText } from '../../operation/index.ts'
import { gatherCardFacts } from './card-facts.ts'
import { mlBom } from './ml-bom.ts'
import { signBom } from './sign-bom.ts'

/** The record of a registered version as a bill of materials. */
export const bomOperation = defineOperation({
  name: 'fleet bom',
  effect: 'read',
  scope: 'read',
  mode: 'call',
  summary:
    'Write the CycloneDX 1.6 bill of materials (ML-BOM) of a registered adapter, signed by the project',
  input: z.object({ reference: z.string().describe('name, name@candidate or name@version') }),
  output: z.object({ name: z.string(), version: z.int(), out: OutputText.describe('the document, in JSON') }),
  positionals: ['reference'],
  example: 'regraft fleet bom routing --out bom.cdx.json',
  render: ({ name, version, out }) => out.text.trimEnd() || `bill of materials of ${name} v${version}`,
  async run(context, { reference }) {
    const facts = await gatherCardFacts(context, reference)
    const { name, version } = facts.registration
    const bom = await signBom(context.store, mlBom(facts))
    return { name, version, out: { name: 'bom.cdx.json', text: `${JSON.stringify(bom, null, 2)}\n` } }
  },
})
