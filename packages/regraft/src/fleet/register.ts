import { z } from 'zod'
import { RegraftError } from '../errors/index.ts'
import { incumbentAlias } from '../gates/index.ts'
import { defineStep, runStep, shortDigest } from '../lineage/index.ts'
import { defineOperation } from '../operation/index.ts'
import { LATEST_ADAPTER } from '../training/index.ts'
import { gatherRecord } from './record.ts'
import { nextVersion, REGISTRATION_SCHEMA, setCurrent, type TrainedRegistration } from './registration.ts'

/** A person puts a complete record into the fleet: external, because nobody can compute that decision again. */
const recordRegistration = defineStep({
  name: 'fleet/register',
  version: 2,
  determinism: 'external',
  input: z.custom<TrainedRegistration>((value) => typeof value === 'object' && value !== null),
  async run({ parameters }) {
    return [
      { role: 'registration', kind: 'registration', schemaVersion: REGISTRATION_SCHEMA, value: parameters },
    ]
  },
})

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
  }),
  positionals: ['name'],
  example: 'regraft fleet register routing --owner ada --deputy grace',
  render({ name, version, adapter, owner, deputy, registration }) {
    return `registered ${name} v${version}: adapter ${shortDigest(adapter)}, owner ${owner}, deputy ${deputy}  registration ${shortDigest(registration)}`
  },
  async run({ store, config }, input) {
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
    const version = await nextVersion(store, input.name)
    const registration: TrainedRegistration = { ...record, version, registeredAt: new Date().toISOString() }
    const made = await runStep({ project: store }, recordRegistration, {
      inputs: [
        { role: 'adapter', digest: registration.adapter },
        { role: 'verdict', digest: registration.verdict },
      ],
      parameters: registration,
    })
    const digest = made.digest('registration')
    await setCurrent(store, registration, digest)
    await store.aliases.set(incumbentAlias(registration.suite.artifact), registration.adapter)
    const { name, adapter, owner, deputy, routes } = registration
    return { registration: digest, name, version, adapter, owner, deputy, routes }
  },
})
