import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readdirSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { piiScanner, type ScreenItem } from '@regraft/methods'
import { z } from 'zod'
import type { Config } from '../../config/index.ts'
import { readNames } from '../../datasets/index.ts'
import { RegraftError } from '../../errors/index.ts'
import {
  ADAPTER_FILES,
  type BaseSearch,
  findAdapterBase,
  findBase,
  judgeCompatibility,
  licenceOfBase,
} from '../../models/index.ts'
import {
  commandLine,
  defineOperation,
  LocalPath,
  type OperationContext,
  requireLocal,
} from '../../operation/index.ts'
import { VerdictOutput } from '../../verdict/index.ts'
import { missingEntries } from '../adopt/missing-entries.ts'
import type { AuditFacts, FirstStep } from './audit-facts.ts'
import { readEndOfLife } from './end-of-life-dates.ts'
import { type Leaks, readItems, readThrough } from './find-leaks.ts'
import { type AuditPaths, firstSteps } from './first-steps.ts'
import { judgeAudit } from './judge-audit.ts'
import { RowCounter, type RowFacts } from './log-facts.ts'
import { openRows } from './read-rows.ts'
import { renderAudit } from './render-audit.ts'
import { readTrainingState } from './training-state.ts'

const AuditInput = z.object({
  folder: LocalPath.describe('PEFT folder: adapter_config.json and adapter_model.safetensors'),
  logs: LocalPath.optional().describe('what was asked and answered, in any format that `import` knows'),
  rows: LocalPath.optional().describe('training rows, where there are any, in the same formats'),
  eval: LocalPath.optional().describe('evaluation items, in the same formats'),
  eol: LocalPath.optional().describe('end-of-life dates: YAML or JSON of `name: YYYY-MM-DD`, or CSV'),
  base: z
    .string()
    .optional()
    .describe('base that it was trained on, by its name in `models list`; else it is looked for'),
})

const isObject = (value: unknown) => typeof value === 'object' && value !== null

/** What is left of an adapter that somebody else trained: a look at plain files, without a store. */
export const auditOperation = defineOperation({
  name: 'audit',
  effect: 'read',
  scope: 'read',
  mode: 'call',
  summary: 'Look at an adapter from elsewhere: what is known, what is missing, what leaked, how long is left',
  input: AuditInput,
  output: z.object({
    verdict: VerdictOutput,
    facts: z.custom<AuditFacts>(isObject).describe('everything that was found'),
    steps: z.array(z.custom<FirstStep>(isObject)).describe('what to do first, in order'),
  }),
  positionals: ['folder'],
  example: 'regraft audit ./their-adapter --logs logs.jsonl --eval eval.jsonl',
  offline: true,
  render: renderAudit,
  async run(context, input) {
    requireLocal(context, 'regraft audit')
    const settings = { now: new Date(), rescueDays: context.config.fleet.endOfLifeDays }
    const folder = resolve(input.folder)
    const paths: AuditPaths = {
      ...{ logs: input.logs ?? null, rows: input.rows ?? null, evaluation: input.eval ?? null },
    }
    await requireAdapterFolder(folder)
    context.progress({ stage: 'read the adapter' })
    const search = await findAdapterBase(context.config, folder, input.base)
    const facts: AuditFacts = {
      ...adapterFacts(context.config, folder, search, input.eol),
      adapter: { ...(await digestOfAdapter(folder)), inspection: search.inspection },
      ...(await readFiles(context, paths)),
    }
    const verdict = judgeAudit(facts, settings, commandLine(auditOperation, input))
    return { verdict, facts, steps: firstSteps(facts, paths, settings) }
  },
})

async function requireAdapterFolder(folder: string): Promise<void> {
  if (existsSync(join(folder, 'adapter_config.json'))) return
  const found = await stat(folder).catch(() => null)
  const inside = found?.isDirectory()
    ? readdirSync(folder).filter((name) => existsSync(join(folder, name, 'adapter_config.json')))
    : []
  const problem = found ? 'has no adapter_config.json' : 'is not there'
  throw new RegraftError('not-found', `${folder} ${problem}`, {
    hint:
      inside.length > 0
        ? `name one of the folders in it: ${inside.join(', ')}`
        : 'name the folder that PEFT saved',
  })
}

function adapterFacts(config: Config, folder: string, search: BaseSearch, eol: string | undefined) {
  const { inspection, declared, chosen, candidates, reason } = search
  const here = chosen?.comparison ? chosen.name : null
  const base = here === null ? null : { name: here, knownAs: chosen!.knownAs }
  const { revision: stated } = inspection.config
  const revision = typeof stated === 'string' && stated !== '' ? stated : null
  const state = readTrainingState(folder)
  return {
    folder,
    state,
    base: {
      ...{ declared, revision, here, reason: chosen?.problem ?? reason },
      licence: here === null ? null : licenceOfBase(config, here),
      endOfLife: endOfLifeOf(config, declared, chosen?.name ?? null, eol),
      candidates: candidates.map(({ name, named, fits }) => ({ name, named, fits })),
    },
    compatibility: judgeCompatibility({ inspection, comparison: chosen?.comparison ?? null }, base, ''),
    missing: missingEntries({
      ...{ owner: null, deputy: null, base: here ?? declared, baseIsHere: here !== null, revision },
      ...{ tokenizer: state.tokenizer, chatTemplate: state.chatTemplate, judged: false },
    }),
  }
}

/** The date of a file, else of regraft.yaml; by the whole name first, then by its last part. */
function endOfLifeOf(
  config: Config,
  declared: string | null,
  here: string | null,
  path: string | undefined,
): AuditFacts['base']['endOfLife'] {
  const names = [declared, here].filter((name) => name !== null)
  const dates = path === undefined ? null : readEndOfLife(path)
  const last = (name: string) => name.split('/').at(-1)!.toLowerCase()
  for (const name of names) {
    const date = dates?.get(name) ?? [...(dates ?? [])].find(([one]) => last(one) === last(name))?.[1]
    if (date !== undefined) return { date, from: path! }
  }
  const configured = here === null ? null : findBase(config, here).endOfLife
  return configured === null ? null : { date: configured, from: 'regraft.yaml' }
}

async function digestOfAdapter(folder: string): Promise<{ digest: string | null; bytes: number }> {
  const sums: string[] = []
  let bytes = 0
  for (const name of ADAPTER_FILES.needed) {
    const path = join(folder, name)
    if (!existsSync(path)) return { digest: null, bytes }
    const hash = createHash('sha256')
    for await (const chunk of createReadStream(path)) hash.update(chunk)
    sums.push(hash.digest('hex'))
    bytes += (await stat(path)).size
  }
  return { digest: `sha256:${createHash('sha256').update(sums.join('\n')).digest('hex')}`, bytes }
}

async function readFiles(
  { config, signal, progress }: Pick<OperationContext, 'config' | 'signal' | 'progress'>,
  paths: AuditPaths,
): Promise<Pick<AuditFacts, 'logs' | 'rows' | 'evaluation' | 'leaks'>> {
  const scan = piiScanner({ names: readNames(config) })
  let items: ScreenItem[] | null = null
  let evaluation: RowFacts | null = null
  const leaks: Leaks[] = []
  if (paths.evaluation !== null) {
    const file = await openRows(paths.evaluation)
    const counter = new RowCounter(file, scan)
    items = await readItems(file, counter)
    evaluation = counter.facts
  }
  const read = async (path: string | null) => {
    if (path === null) return null
    const file = await openRows(path)
    const counter = new RowCounter(file, scan)
    const onRows = (done: number) => progress({ stage: `read ${file.name}`, done, unit: 'rows' })
    const found = await readThrough(file, counter, items, { signal, onRows })
    if (found) leaks.push(found)
    return counter.facts
  }
  const logs = await read(paths.logs)
  const rows = await read(paths.rows)
  return { logs, rows, evaluation, leaks }
}
