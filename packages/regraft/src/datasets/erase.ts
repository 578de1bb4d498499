import { z } from 'zod'
import { RegraftError } from '../errors/index.ts'
import { runStep, shortDigest } from '../lineage/index.ts'
import { defineOperation, type OperationContext } from '../operation/index.ts'
import type { ProjectStore } from '../store/types.ts'
import { renderVerdict, type Verdict } from '../verdict/index.ts'
import {
  begin,
  type ErasurePlan,
  end,
  eraseSubject,
  isEmptyPlan,
  lastCertificate,
  markErased,
  planErasure,
  planStep,
  planUnderWay,
  type SignedCertificate,
} from './erasure/index.ts'

const HASH = /^[0-9a-f]{64}$/

const EraseInput = z.object({
  subject: z.string().min(1).optional().describe('id of the person, as the product names them'),
  hash: z
    .string()
    .regex(HASH, 'expected 64 hexadecimal digits')
    .optional()
    .describe('keyed hash of the person, instead of the id'),
  dryRun: z.boolean().default(false).describe('only show what would be removed'),
  databaseLog: z
    .string()
    .optional()
    .describe('folder of the database server, to be searched too where its connection may not read it'),
})
type EraseInput = z.output<typeof EraseInput>

const Registration = z.object({
  registration: z.string(),
  name: z.string(),
  version: z.int(),
  owner: z.string().nullable(),
  deputy: z.string().nullable(),
  current: z.boolean(),
})

const EraseOutput = z.object({
  subject: z.string().describe('keyed hash of the person'),
  dryRun: z.boolean(),
  nothing: z.boolean().describe('true when there was nothing of this person'),
  certificate: z
    .string()
    .nullable()
    .describe('digest of the certificate; of an earlier one when there was nothing'),
  own: z.record(z.string(), z.int()).describe("the person's rows, by table"),
  derived: z.record(z.string(), z.int()).describe('rows made from them, by table'),
  files: z.int().describe('files of the data directory that held words of the person'),
  imports: z.array(z.string()).describe('imported files among them; their other rows stay in the store'),
  snapshots: z.array(z.string()).describe('snapshots that hold rows of the person'),
  suites: z.array(z.object({ suite: z.string(), items: z.int() })),
  retrain: z
    .array(z.object({ adapter: z.string(), registrations: z.array(Registration) }))
    .describe('adapters that must be trained again, with who answers for them'),
  verdict: z
    .custom<Verdict>((value) => typeof value === 'object' && value !== null && 'outcome' in value)
    .nullable()
    .describe('of the search for the words of the person'),
  notCovered: z.array(z.string()),
})
type EraseOutput = z.output<typeof EraseOutput>

/** Erasure of a person: key, rows, derived files; a signed certificate of what was removed and what cannot be. */
export const eraseOperation = defineOperation({
  name: 'datasets erase',
  effect: 'destroy',
  scope: 'admin',
  mode: 'job',
  summary:
    'Erase a person: destroy their key, remove their rows and derived files, search for what is left, and certify it',
  input: EraseInput,
  output: EraseOutput,
  example: 'regraft datasets erase --subject user-17 --dry-run',
  confirm: ({ dryRun }) =>
    dryRun ? null : 'This destroys the key and the rows of this person for good. Erase them?',
  /** The id itself is personal data: the record of the job holds its keyed hash. */
  async prepare({ store }, input) {
    if ((input.subject === undefined) === (input.hash === undefined)) {
      throw new RegraftError('invalid-input', 'say who is to be erased: --subject or --hash', {
        hint: 'regraft datasets erase --subject <id>',
        details: { param: 'subject' },
      })
    }
    const { subject, ...rest } = input
    return subject === undefined ? rest : { ...rest, hash: await store.keys.subjectOf(subject) }
  },
  render: renderErase,
  async run(context, input) {
    const { store, config, signal, progress } = context
    const subject = input.hash ?? (await store.keys.subjectOf(input.subject!))
    const options = {
      ...{ dataDirectory: config.dataDirectory, signal, now: () => new Date() },
      onStage: (stage: string) => progress({ stage }),
    }
    await context.services.journals.drained(store.projectId)
    if (input.dryRun) return outputOf(await planErasure(store, subject, options), null)

    let plan = await planUnderWay(store, subject)
    if (plan === null) {
      await refuseBesideJobs(context)
      const made = await runStep({ project: store, signal }, planStep(options), {
        inputs: [],
        parameters: { subject },
      })
      plan = made.digest('plan')
      const found = await store.artifacts.read<ErasurePlan>(plan)
      if (isEmptyPlan(found) && !(await store.keys.has(`subject/${subject}`))) {
        return outputOf(found, await lastCertificate(store, subject))
      }
      await begin(store, subject, plan)
    }
    const certificate = (await finishedBefore(store, plan)) ?? (await erase(context, plan, input))
    const value = await store.artifacts.read<SignedCertificate>(certificate)
    await markErased(store, [...value.snapshots, ...value.retrain.map(({ adapter }) => adapter)], certificate)
    // An attempt that resumes may log it twice; none leaves it out.
    await store.audit.append([
      {
        ...{ principal: context.principal.id, action: 'erase', about: 'a person', subject: certificate },
        details: { snapshots: value.snapshots.length, adapters: value.retrain.length },
      },
    ])
    await end(store, subject, certificate)
    return outputOf(await store.artifacts.read<ErasurePlan>(plan), certificate, value)
  },
})

async function erase(context: OperationContext, plan: string, input: EraseInput): Promise<string> {
  const { store, config, signal, progress, services } = context
  const { snapshots, adapters } = await store.artifacts.read<ErasurePlan>(plan)
  const step = eraseSubject({
    ...{ dataDirectory: config.dataDirectory, journals: services.journals, now: () => new Date() },
    ...(input.databaseLog === undefined ? {} : { databaseLog: input.databaseLog }),
    onStage: (stage, more = { done: 0, unit: '' }) =>
      progress(more.unit === '' ? { stage } : { stage, ...more }),
  })
  const { digest } = await runStep({ project: store, signal }, step, {
    inputs: [
      { role: 'plan', digest: plan },
      ...snapshots.map((snapshot) => ({ role: 'snapshot', digest: snapshot })),
      ...adapters.map(({ adapter }) => ({ role: 'adapter', digest: adapter })),
    ],
  })
  return digest('certificate')
}

/** The certificate of a plan that was carried out by an attempt which ended before it could say so. */
async function finishedBefore(store: ProjectStore, plan: string): Promise<string | null> {
  const executions = await store.executions.consuming(plan)
  const outputs = executions.flatMap((execution) => execution.outputs)
  return outputs.find(({ role }) => role === 'certificate')?.digest ?? null
}

/** A training or a build that runs now holds rows in memory, and writes what is made of them. */
async function refuseBesideJobs({ store, jobId }: OperationContext): Promise<void> {
  const running = (await store.jobs.list({ state: 'running' })).filter(({ id }) => id !== jobId)
  const [first] = running
  if (!first) return
  throw new RegraftError(
    'conflict',
    `'${first.operation}' is running, and may be working with rows of this person`,
    {
      hint: `wait until it has ended, or: regraft jobs cancel ${first.id}`,
      details: { jobs: running.map(({ id }) => id) },
    },
  )
}

function outputOf(plan: ErasurePlan, digest: string | null, certificate?: SignedCertificate): EraseOutput {
  const counts = (rows: ErasurePlan['own']) =>
    Object.fromEntries(Object.entries(rows).map(([table, ids]) => [table, ids.length]))
  return {
    subject: plan.subject,
    dryRun: certificate === undefined && !isEmptyPlan(plan),
    nothing: certificate === undefined && isEmptyPlan(plan),
    certificate: digest,
    own: counts(plan.own),
    derived: counts(plan.derived),
    files: plan.blobs.length + plan.paths.length,
    imports: plan.imports,
    snapshots: plan.snapshots,
    suites: plan.suites,
    retrain: plan.adapters,
    verdict: certificate?.drill.verdict ?? null,
    notCovered: certificate?.notCovered ?? [],
  }
}

function renderErase(output: EraseOutput): string {
  const { subject, dryRun, nothing, certificate, own, derived, files, imports, snapshots, suites, retrain } =
    output
  const who = `person ${subject.slice(0, 12)}`
  if (nothing) {
    return certificate === null
      ? `there is nothing of ${who}`
      : `there is nothing left of ${who}: see regraft datasets certificate ${shortDigest(certificate)}`
  }
  const list = (counts: Record<string, number>) => {
    const parts = Object.entries(counts).filter(([, count]) => count > 0)
    return parts.length === 0 ? 'none' : parts.map(([table, count]) => `${count} ${table}`).join(', ')
  }
  const lines = [
    dryRun
      ? `would erase ${who}; nothing was changed`
      : `erased ${who}  certificate ${shortDigest(certificate!)}`,
    `  own rows: ${list(own)}; made from them: ${list(derived)}`,
    `  files: ${files}${imports.length === 0 ? '' : `, ${imports.length} of them imported; other rows of these stay in the store`}`,
    `  snapshots: ${snapshots.length === 0 ? 'none' : snapshots.map(shortDigest).join(', ')}`,
  ]
  for (const { suite, items } of suites) {
    lines.push(`  evaluation suite ${shortDigest(suite)}: ${items} items that nobody can read any more`)
  }
  if (retrain.length === 0) lines.push('  adapters to train again: none')
  for (const { adapter, registrations } of retrain) {
    const names = registrations.map(({ name, version, owner, deputy, current }) => {
      return `${name} v${version}${current ? '' : ' (earlier)'}, owner ${owner ?? 'nobody'}, deputy ${deputy ?? 'nobody'}`
    })
    lines.push(`  train again: adapter ${shortDigest(adapter)}  ${names.join('; ') || 'not registered'}`)
  }
  if (output.verdict) lines.push(renderVerdict(output.verdict))
  if (output.notCovered.length > 0)
    lines.push('  not covered:', ...output.notCovered.map((text) => `    - ${text}`))
  return lines.join('\n')
}
