import { stat } from 'node:fs/promises'
import { z } from 'zod'
import { defineOperation, type OperationContext } from '../operation/index.ts'
import { type AnyBase, findBase, requireLocalBase } from './bases.ts'
import { describeBase, listOperation } from './list.ts'
import { filesOf, readPulledBase } from './pulled-bases.ts'

const BaseFile = z.object({
  path: z.string(),
  size: z.int(),
  sha256: z.string(),
  state: z
    .enum(['unchanged', 'touched', 'missing'])
    .describe('touched: size or time differ from those of the file that was hashed'),
})

const BaseDetails = listOperation.output.shape.bases.element.extend({
  architecture: z.record(z.string(), z.unknown()).nullable(),
  digests: z.record(z.string(), z.string()).nullable(),
  pulledAt: z.string().nullable(),
  files: z.array(BaseFile).describe('of a pulled base'),
})

export const showOperation = defineOperation({
  name: 'models show',
  effect: 'read',
  scope: 'read',
  mode: 'call',
  summary: 'Show a base model: where it lies, its architecture, its digests and its files',
  input: z.object({ name: z.string().describe('name of the base') }),
  output: BaseDetails,
  positionals: ['name'],
  example: 'regraft models show regraft-nano',
  async run(context, { name }) {
    const { config, store } = context
    const { path } = findBase(config, name)
    const line = await describeBase(context, name)
    const record =
      line.base === null ? null : requireLocalBase(await store.artifacts.read<AnyBase>(line.base))
    const pulled = config.bases[name] ? null : readPulledBase(config.dataDirectory, name)
    const files = filesOf(path, pulled?.files ?? [])
    return {
      ...line,
      architecture: record ? { ...record.config } : null,
      digests: record ? { ...record.digests } : null,
      pulledAt: pulled?.pulledAt ?? null,
      files: await Promise.all(files.map(async (file) => ({ ...file, state: await stateOf(context, file) }))),
    }
  },
})

async function stateOf(
  { store }: OperationContext,
  { path, sha256 }: { path: string; sha256: string },
): Promise<'unchanged' | 'touched' | 'missing'> {
  const found = await stat(path).catch(() => null)
  if (!found) return 'missing'
  const locations = await store.locations.find(`sha256:${sha256}`)
  const hashed = locations.find((location) => location.path === path)
  const same = hashed?.size === found.size && hashed.modifiedAt.getTime() === found.mtime.getTime()
  return same ? 'unchanged' : 'touched'
}
