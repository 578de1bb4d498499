import { SuiteSettings } from '../../config/index.ts'
import { readSuite, requireSuite, type SnapshotManifest } from '../../datasets/index.ts'
import { RegraftError } from '../../errors/index.ts'
import { readGateRecord, readMeasurement } from '../../gates/index.ts'
import { type AnyBase, isLocalBase, requireLocalBase, requireRecordedBase } from '../../models/index.ts'
import type { OperationContext } from '../../operation/index.ts'
import type { Asked } from '../migrate/finish-move.ts'
import type { RegisteredAdapter, Registration } from '../registration.ts'

/** Throws 'incompatible' when nobody can ask the adapter any more: its base is gone, or is another one. */
export async function requireAlive(
  { store, config }: OperationContext,
  { registration: { name, version, base } }: RegisteredAdapter,
): Promise<void> {
  const record = await store.artifacts.read<AnyBase>(base.artifact)
  try {
    await requireRecordedBase(config, requireLocalBase(record))
  } catch (error) {
    if (!(error instanceof RegraftError)) throw error
    throw new RegraftError(
      'incompatible',
      `${name} v${version} cannot label prompts any more, because its base is not to be had: ${error.message}`,
      {
        hint: isLocalBase(record)
          ? `put the base back; where the training rows are still there, regraft fleet migrate ${name} needs no base`
          : error.hint,
        cause: error,
      },
    )
  }
}

/** How often models have learned from models on the way to what this adapter answers: its own training, and this one. */
export async function depthOf({ store }: OperationContext, { snapshot }: Registration): Promise<number> {
  if (snapshot === null) return 1
  const { rescued } = await store.artifacts.read<SnapshotManifest>(snapshot.artifact)
  return (rescued?.depth ?? 0) + 1
}

/**
 * The suite of human gold and how it is asked: as the adapter was judged on it, else as regraft.yaml says. Throws 'invalid-input'
 * where neither the record nor the caller names one.
 */
export async function goldOf(
  { store, config }: OperationContext,
  { name, suite, verdict }: Registration,
  { evaluation, maxTokens }: { evaluation?: string | undefined; maxTokens?: number | undefined },
): Promise<Asked & { maxTokens: number }> {
  if (evaluation === undefined && suite === null) {
    throw new RegraftError('invalid-input', `no suite is known that ${name} was judged on`, {
      hint: 'say which one has human answers: --evaluation <name>',
      details: { param: 'evaluation' },
    })
  }
  const digest = evaluation === undefined ? suite!.artifact : (await requireSuite(store, evaluation)).digest
  const settings = await settingsOf({ store, config }, digest)
  const recorded = verdict === null ? null : await readGateRecord(store, verdict)
  const before = recorded?.suite === digest ? await readMeasurement(store, recorded.candidate) : null
  const asked = before ?? { suite: digest, scorer: settings.scorer }
  return { ...asked, maxTokens: maxTokens ?? before?.maxTokens ?? settings.maxTokens }
}

async function settingsOf({ store, config }: Pick<OperationContext, 'store' | 'config'>, suite: string) {
  const { name } = await readSuite(store, suite)
  return SuiteSettings.parse(Object.hasOwn(config.suites, name) ? config.suites[name] : {})
}
