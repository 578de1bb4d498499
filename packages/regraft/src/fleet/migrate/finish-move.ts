import { evaluationsLeft, vaultAccess } from '../../datasets/index.ts'
import { RegraftError } from '../../errors/index.ts'
import { gateAlias, measureModel, type SuiteMeasurement } from '../../gates/index.ts'
import { runStep, shortDigest } from '../../lineage/index.ts'
import type { OperationContext } from '../../operation/index.ts'
import { logDrill } from '../log-drill.ts'
import type { RegisteredAdapter } from '../registration.ts'
import { judgeMove, type MoveParameters, type MoveRecord } from './judge-move.ts'
import type { Trained } from './train-on.ts'

/** A suite as it was asked before: what comes is asked the same way. */
export type Asked = Pick<SuiteMeasurement, 'suite' | 'scorer' | 'maxTokens' | 'against'>

/**
 * Throws 'forbidden' when the suite may not be answered so often any more. Asked before hours are spent, and at the first attempt
 * alone: what an interrupted one measured has been counted already.
 */
export async function requireEvaluations(
  context: OperationContext,
  suite: string,
  wanted: number,
): Promise<void> {
  if (context.attempt > 1) return
  const left = await evaluationsLeft(context.store, vaultAccess(context), suite)
  if (left >= wanted) return
  throw new RegraftError(
    'forbidden',
    `the suite may be answered ${left} times more, and ${wanted} are needed`,
    { hint: 'raise vault.evaluations in regraft.yaml: each query logs the budget that it was made under' },
  )
}

/** Lets a model answer a suite as it was asked before; returns the digest of the measurement. */
export async function measureAs(
  context: OperationContext,
  { suite, scorer, maxTokens, against }: Asked,
  model: { name: string; base: string; adapter: string | null },
): Promise<string> {
  const scoring = { scorer, maxTokens }
  const other = against && { ...against, name: 'the model it is compared with', suite }
  return other
    ? await measureModel(context, { ...model, suite }, scoring, other)
    : await measureModel(context, { ...model, suite }, scoring)
}

export interface Move {
  drill: MoveParameters['drill']
  replaced: RegisteredAdapter
  trained: Trained
  /** What else was trained on the way. */
  cpuSeconds: number
  base: { digest: string; name: string }
  asked: Asked
  /** The measurement of the old adapter. */
  old: string
  margin: number
  notes: string[]
  details: Record<string, unknown>
  rerun: string
  /** When this attempt began, in milliseconds since 1970, and digests of all that it used and may have found made. */
  began: number
  used: string[]
}

/** Measures the new adapter and its base, judges it, makes the verdict its gate and writes the log. */
export async function finishMove(
  context: OperationContext,
  move: Move,
): Promise<{ record: string; content: MoveRecord }> {
  const { store, config, signal } = context
  const { drill, replaced, trained, base, asked, old, margin, notes, details, rerun } = move
  const { name, version } = replaced.registration
  const candidate = { name: `adapter ${shortDigest(trained.adapter)}`, base: base.digest }
  const measured = await measureAs(context, asked, { ...candidate, adapter: trained.adapter })
  const untouched = await measureAs(context, asked, {
    ...candidate,
    name: `base ${base.name}`,
    adapter: null,
  })
  const used = [...move.used, trained.adapter, measured, untouched]
  const seconds = (Date.now() - move.began) / 1000 + (await earlierSeconds(context, used, move.began))
  const price = config.drills.hourlyCost
  const judged = await runStep({ project: store, signal }, judgeMove, {
    inputs: [
      { role: 'registration', digest: replaced.digest },
      { role: 'candidate', digest: measured },
      { role: 'base', digest: untouched },
      { role: 'old', digest: old },
    ],
    parameters: {
      ...{ drill, name, version, margin, alpha: config.gates.alpha, notes, details, rerun, seconds },
      names: { candidate: candidate.name, base: `base ${base.name}`, old: `adapter ${name} v${version}` },
      at: new Date().toISOString(),
      cpuSeconds: trained.cpuSeconds + move.cpuSeconds,
      cost: price ? { amount: (price.amount * seconds) / 3600, currency: price.currency } : null,
    },
  })
  const record = judged.digest('verdict')
  const content = await store.artifacts.read<MoveRecord>(record)
  await store.aliases.set(gateAlias(trained.adapter), record)
  await logDrill(context, replaced, { action: drill, record, verdict: content.verdict, seconds })
  return { record, content }
}

/** Seconds that the making of these took before this attempt began: they are part of what the whole takes. */
async function earlierSeconds(
  { store }: OperationContext,
  digests: readonly string[],
  began: number,
): Promise<number> {
  const seen = new Map<string, number>()
  for (const digest of new Set(digests)) {
    const made = (await store.executions.producing(digest)).at(-1)
    if (!made || made.startedAt.getTime() >= began) continue
    seen.set(made.id, (made.finishedAt.getTime() - made.startedAt.getTime()) / 1000)
  }
  return [...seen.values()].reduce((sum, seconds) => sum + seconds, 0)
}
