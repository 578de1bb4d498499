import { z } from 'zod'
import { erasureOf } from '../datasets/index.ts'
import { RegraftError } from '../errors/index.ts'
import { shortDigest } from '../lineage/index.ts'
import { defineOperation, type OperationContext } from '../operation/index.ts'
import { type Grounds, groundsOf, planMove } from './move-alias.ts'
import { aliasOf, FLEET_ALIASES, listNames, parseReference } from './names.ts'
import { type RegisteredAdapter, requireRegistration } from './registration.ts'

/** Moves an alias to a version: into production only on a passing verdict, or with a recorded waiver. */
export const promoteOperation = defineOperation({
  name: 'fleet promote',
  effect: 'write',
  scope: 'write',
  mode: 'call',
  summary:
    'Make a registered version the champion that answers, or the candidate; an earlier one is a rollback',
  input: z.object({
    reference: z.string().describe('name, or name@version; a name alone means its candidate'),
    to: z.enum(FLEET_ALIASES).default('champion').describe('what it becomes'),
    waiver: z
      .string()
      .trim()
      .min(3)
      .max(500)
      .optional()
      .describe('why it becomes champion without a passing verdict; kept in the log'),
  }),
  output: z.object({
    name: z.string(),
    alias: z.enum(FLEET_ALIASES),
    version: z.int(),
    from: z.int().nullable().describe('version that had the alias before'),
    registration: z.string(),
    verdict: z.string().nullable().describe('digest of the verdict that it rests on'),
    outcome: z.enum(['pass', 'fail', 'cannot-tell']).nullable(),
    waiver: z.string().nullable(),
  }),
  positionals: ['reference'],
  example: 'regraft fleet promote routing@2',
  render({ name, alias, version, from, outcome, verdict, waiver }) {
    const before = from === null ? '' : ` (before: v${from})`
    const grounds = verdict === null ? 'never judged' : `gate ${outcome}, ${shortDigest(verdict)}`
    return `${name} v${version} is the ${alias}${before}: ${grounds}${waiver === null ? '' : `; waiver: ${waiver}`}`
  },
  async run(context, { reference, to, waiver = null }) {
    const { store, log } = context
    const wanted = await resolve(context, reference)
    const { digest, registration } = wanted
    const { name, version, adapter } = registration
    if ((await store.aliases.get(aliasOf({ name, which: to }))) === digest) {
      throw new RegraftError('conflict', `${name} v${version} is the ${to} already`, {
        hint: `regraft fleet history ${name}`,
      })
    }
    const grounds = await groundsOf(store, registration)
    if (to === 'champion' && grounds.outcome !== 'pass' && waiver === null) throw unfounded(wanted, grounds)
    if (to === 'champion' && (await erasureOf(store, adapter)) !== null) {
      log.warn(`${name} v${version} has learned from an erased person: train it again`)
    }
    const { entry, moves } = await planMove(context, wanted, { to, grounds, waiver })
    await store.audit.append([entry], moves)
    const from = z.int().nullable().parse(entry.details.from)
    return { name, alias: to, version, from, registration: digest, ...grounds, waiver }
  },
})

async function resolve({ store }: OperationContext, text: string): Promise<RegisteredAdapter> {
  const reference = parseReference(text)
  if (reference === null || text.includes('@')) return await requireRegistration(store, text)
  const known = (await listNames(store)).find(({ name }) => name === reference.name)
  if (known && known.candidate === null) {
    throw new RegraftError('invalid-input', `${known.name} has no candidate`, {
      hint: `say which version: ${known.name}@${Math.max(...known.versions.keys())}`,
      details: { param: 'reference' },
    })
  }
  return await requireRegistration(store, known ? `${known.name}@candidate` : text)
}

function unfounded({ registration }: RegisteredAdapter, { verdict, outcome }: Grounds): RegraftError {
  const { name, version, adapter } = registration
  const said = verdict === null ? 'no gate has judged it' : `its newest gate says ${outcome}`
  return new RegraftError('record-incomplete', `${name} v${version} does not become champion: ${said}`, {
    hint: `regraft gates check ${shortDigest(adapter)}, or --waiver "<reason>", which the log keeps`,
    details: { verdict, outcome },
  })
}
