import { z } from 'zod'
import { shortDigest } from '../lineage/index.ts'
import { defineOperation, type OperationContext } from '../operation/index.ts'
import { type AnyBase, BUNDLED_BASE, baseNames, findBase, requireLocalBase } from './bases.ts'
import { describeSource, readPulledBase } from './pulled-bases.ts'

const BaseLine = z.object({
  name: z.string(),
  source: z.string().describe('regraft.yaml, bundled, or where it was pulled from'),
  path: z.string(),
  format: z.string().nullable().describe('known once the base is recorded'),
  precision: z.string().nullable(),
  base: z.string().nullable().describe('digest of the recorded base; null until it is first used'),
  endOfLife: z.string().nullable(),
})

export const listOperation = defineOperation({
  name: 'models list',
  effect: 'read',
  scope: 'read',
  mode: 'call',
  summary: 'List the base models that can be trained on and served',
  input: z.object({}),
  output: z.object({ bases: z.array(BaseLine) }),
  example: 'regraft models list',
  render({ bases }) {
    const rows = bases.map(({ name, source, format, precision, base }) => [
      name,
      format === null ? 'not used yet' : `${format} ${precision}`,
      base === null ? '–' : shortDigest(base),
      source,
    ])
    const table = [['base', 'format', 'recorded', 'from'], ...rows]
    const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)))
    const line = (row: string[]) => row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')
    return table.map((row) => line(row).trimEnd()).join('\n')
  },
  async run(context) {
    const names = baseNames(context.config)
    return { bases: await Promise.all(names.map((name) => describeBase(context, name))) }
  },
})

/** What is known of a base without reading its weights. */
export async function describeBase({ config, store }: OperationContext, name: string) {
  const { path, endOfLife } = findBase(config, name)
  const base = await store.aliases.get(`base/${name}`)
  const record = base === null ? null : requireLocalBase(await store.artifacts.read<AnyBase>(base))
  const pulled = config.bases[name] ? null : readPulledBase(config.dataDirectory, name)
  const elsewhere = name === BUNDLED_BASE && !config.bases[name] ? 'bundled' : 'regraft.yaml'
  return {
    name,
    source: pulled ? describeSource(pulled.source) : elsewhere,
    path,
    format: record?.format ?? null,
    precision: record?.precision ?? null,
    base,
    endOfLife,
  }
}
