import { z } from 'zod'
import { RegraftError } from '../../errors/index.ts'
import { defineOperation, SCOPES } from '../../operation/index.ts'
import type { ApiKey } from '../../store/types.ts'

const KeyView = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.string()),
  createdAt: z.iso.datetime(),
  revokedAt: z.iso.datetime().nullable(),
})

const createKey = defineOperation({
  name: 'keys create',
  effect: 'write',
  scope: 'admin',
  mode: 'call',
  summary: 'Create an API key; it is shown once',
  input: z.object({
    name: z.string().min(1).max(100).describe('what the key is for'),
    scope: z.array(z.enum(SCOPES)).min(1).default(['infer']).describe('what it may do'),
  }),
  output: KeyView.extend({ key: z.string() }),
  positionals: ['name'],
  example: 'regraft keys create support-desk --scope infer,feedback',
  render: ({ key, name, scopes }) =>
    `${key}\n\nkept as a hash: this is the only time that the key of '${name}' (${scopes.join(', ')}) is shown`,
  async run({ store }, { name, scope }) {
    const { key, record } = await store.apiKeys.create(name, scope)
    return { ...viewKey(record), key }
  },
})

const listKeys = defineOperation({
  name: 'keys list',
  effect: 'read',
  scope: 'admin',
  mode: 'call',
  summary: 'List API keys',
  input: z.object({}),
  output: z.object({ keys: z.array(KeyView) }),
  example: 'regraft keys list',
  async run({ store }) {
    const keys = await store.apiKeys.list()
    return { keys: keys.map(viewKey) }
  },
})

const revokeKey = defineOperation({
  name: 'keys revoke',
  effect: 'destroy',
  scope: 'admin',
  mode: 'call',
  summary: 'Revoke an API key; it is refused from now on',
  input: z.object({ id: z.uuid().describe('id of the key') }),
  output: KeyView,
  positionals: ['id'],
  example: 'regraft keys revoke 01981f3e-5a30-7cc4-9c2b-2f6d2c1f0a11',
  async run({ store }, { id }) {
    await store.apiKeys.revoke(id)
    const key = (await store.apiKeys.list()).find((one) => one.id === id)
    if (!key) throw new RegraftError('not-found', `there is no API key ${id}`, { hint: 'regraft keys list' })
    return viewKey(key)
  },
})

export const keyOperations = [createKey, listKeys, revokeKey]

function viewKey(key: ApiKey): z.input<typeof KeyView> {
  const { id, name, scopes, createdAt, revokedAt } = key
  return { id, name, scopes, createdAt: createdAt.toISOString(), revokedAt: revokedAt?.toISOString() ?? null }
}
