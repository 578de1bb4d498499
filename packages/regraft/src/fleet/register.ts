import { z } from 'zod'
import { RegraftError } from '../errors/index.ts'
import { shortDigest } from '../lineage/index.ts'
import { defineOperation } from '../operation/index.ts'
import { LATEST_ADAPTER } from '../training/index.ts'
import { enroll } from './enroll.ts'
import { FLEET_ALIASES } from './names.ts'
import { gatherRecord } from './record.ts'

/** A complete record puts an adapter into the fleet; an incomplete one is refused with all that is missing. */
export const registerOperation = defineOperation({
  name: 'fleet register',
  effect: 'write',
  scope: 'write',
  mode: 'call',
  summary: 'Register an adapter whose record is complete, so that it can be served and rebuilt',
  input: z.object({
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._-]*$/, 'expected lower-case letters, digits, dots and dashes')
      .describe('name under which it is served'),
    adapter: z.string().optional().describe('digest of the adapter; else the one trained last'),
    owner: z.string().optional().describe('who answers for it; else owners.owner of regraft.yaml'),
    deputy: z.string().optional().describe('who answers when the owner has left; else owners.deputy'),
    as: z
      .enum(FLEET_ALIASES)
      .default('champion')
      .describe('champion: it answers from now on; candidate: only when it is asked for by name@candidate'),
    route: z.array(z.string()).default([]).describe('further names under which requests reach it'),
  }),
  output: z.object({
    registration: z.string(),
    name: z.string(),
    version: z.int(),
    adapter: z.string(),
    owner: z.string(),
    deputy: z.string(),
    routes: z.array(z.string()),
    alias: z.enum(FLEET_ALIASES),
  }),
  positionals: ['name'],
  example: 'regraft fleet register routing --owner ada --deputy grace',
  render({ name, version, adapter, owner, deputy, registration, alias }) {
    const as = alias === 'champion' ? '' : ` as ${alias}`
    return `registered ${name} v${version}${as}: adapter ${shortDigest(adapter)}, owner ${owner}, deputy ${deputy}  registration ${shortDigest(registration)}`
  },
  async run(context, input) {
    const { store, config } = context
    const wanted = input.adapter ?? (await store.aliases.get(LATEST_ADAPTER))
    if (!wanted) {
      throw new RegraftError('not-found', 'no adapter has been trained yet', { hint: 'regraft training run' })
    }
    const artifact = await store.artifacts.resolve(wanted)
    if (artifact.kind !== 'adapter') {
      throw new RegraftError('invalid-input', `${wanted} is a ${artifact.kind}, not an adapter`, {
        hint: 'regraft training run prints the digest of an adapter',
      })
    }
    const { missing, record } = await gatherRecord({ store, config }, artifact.digest, {
      name: input.name,
      owner: input.owner ?? config.owners?.owner,
      deputy: input.deputy ?? config.owners?.deputy,
      routes: input.route,
    })
    if (!record) {
      const list = missing.map(({ entry, fix }) => `\n  - ${entry}: ${fix}`).join('')
      throw new RegraftError(
        'record-incomplete',
        `the record of adapter ${shortDigest(artifact.digest)} lacks:${list}`,
        {
          hint: 'add what is listed, then register again',
          details: { missing },
        },
      )
    }
    const { digest, registration } = await enroll(context, { record, as: input.as, waiver: null })
    const { name, version, adapter, routes } = registration
    const { owner, deputy } = record
    return { registration: digest, name, version, adapter, owner, deputy, routes, alias: input.as }
  },
})
