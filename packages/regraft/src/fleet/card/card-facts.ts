import { erasureOf, readSuite, type SnapshotManifest } from '../../datasets/index.ts'
import type { GateRecord } from '../../gates/index.ts'
import {
  type AdapterRecord,
  type AnyBase,
  baseNames,
  isLocalBase,
  licenceOfBase,
  repositoryOf,
} from '../../models/index.ts'
import type { OperationContext } from '../../operation/index.ts'
import type { ProjectStore } from '../../store/types.ts'
import { type Recipe, type RecipeV1, upcastRecipe } from '../../training/index.ts'
import { type Registration, requireRegistration } from '../registration.ts'

/** What a model card and a bill of materials say of a registered version; null for what nobody here knows. */
export interface CardFacts {
  digest: string
  registration: Registration
  /** Of adapter_config.json. */
  lora: { rank: number | null; alpha: number | null; rslora: boolean; targets: string[] }
  files: AdapterRecord['files']
  waived: string[]
  base: {
    name: string
    /** Where it can be had: the repository that it was pulled from, or what the adapter says. */
    source: string
    licence: string | null
    architecture: string | null
  }
  recipe: Recipe['training'] | null
  snapshot: SnapshotManifest | null
  suite: { name: string; items: number } | null
  verdict: GateRecord['verdict'] | null
  /** Largest change of a token's log-probability on fixed prompts, in nats. */
  effect: number | null
  /** Certificate of an erasure that took away rows which it has learned. */
  erased: string | null
}

/** Gathers what is known of `name`, `name@candidate` or `name@version`. Throws 'not-found' for one that is not registered. */
export async function gatherCardFacts(
  { store, config }: Pick<OperationContext, 'store' | 'config'>,
  reference: string,
): Promise<CardFacts> {
  const { digest, registration } = await requireRegistration(store, reference)
  const { adapter, base, recipe, snapshot, suite, verdict } = registration
  const { files, waived = [] } = await store.artifacts.read<AdapterRecord>(adapter)
  const options = await adapterOptions(store, files)
  const recorded = await store.artifacts.read<AnyBase>(base.artifact)
  const isKnown = isLocalBase(recorded) && baseNames(config).includes(base.name)
  const declared = options.base_model_name_or_path
  const named = typeof declared === 'string' && declared !== '' ? declared : base.name
  return {
    ...{ digest, registration, files, waived },
    lora: {
      rank: numberOf(options.r),
      alpha: numberOf(options.lora_alpha),
      rslora: options.use_rslora === true,
      targets: [options.target_modules]
        .flat()
        .filter((target) => typeof target === 'string')
        .sort(),
    },
    base: {
      name: base.name,
      source: (isKnown ? repositoryOf(config, base.name) : null) ?? named,
      licence: isKnown ? licenceOfBase(config, base.name) : null,
      architecture: isLocalBase(recorded) ? recorded.config.architecture : null,
    },
    recipe:
      recipe === null ? null : upcastRecipe(await store.artifacts.read<Recipe | RecipeV1>(recipe)).training,
    snapshot: snapshot === null ? null : await store.artifacts.read<SnapshotManifest>(snapshot.artifact),
    suite:
      suite === null ? null : { name: (await readSuite(store, suite.artifact)).name, items: suite.items },
    verdict: verdict === null ? null : (await store.artifacts.read<GateRecord>(verdict)).verdict,
    effect: await effectOf(store, adapter),
    erased: await erasureOf(store, adapter),
  }
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}

async function adapterOptions(
  store: ProjectStore,
  files: AdapterRecord['files'],
): Promise<Record<string, unknown>> {
  const file = files.find(({ path }) => path === 'adapter_config.json')
  if (!file) return {}
  return JSON.parse(Buffer.from(await store.blobs.read(file.digest)).toString('utf8')) as Record<
    string,
    unknown
  >
}

/** The newest smoke test of the adapter. */
async function effectOf(store: ProjectStore, adapter: string): Promise<number | null> {
  const executions = await store.executions.consuming(adapter)
  const tried = executions.filter(({ step }) => step === 'models/adapter-effect').at(-1)
  const output = tried?.outputs[0]
  return output ? (await store.artifacts.read<{ largestChange: number }>(output.digest)).largestChange : null
}
