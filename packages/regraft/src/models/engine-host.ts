import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import {
  type Answer,
  type GenerateRequest,
  InferenceProcess,
  type ScoreRequest,
  type StreamedToken,
} from '@regraft/engine'
import type { Config, Form } from '../config/index.ts'
import type { ProjectStore } from '../store/types.ts'
import { type AdapterRecord, materializeAdapter } from './adapters.ts'
import { type AnyBase, findBase, requireLocalBase, requireRecordedBase } from './bases.ts'
import { admitAdapter, knownAs } from './compatibility/index.ts'
import { traitsOf } from './forms.ts'

declare module '../operation/types.ts' {
  interface Services {
    /** Serves; its calls share batches. */
    engines: EngineHost
    /** Evaluates in processes of its own, so that a measurement does not depend on what else is served. */
    evaluationEngines: EngineHost
  }
}

/** A model that can answer: a base, alone or with an adapter. Both are digests of artifacts. */
export interface ModelReference {
  base: string
  adapter: string | null
  /** Where the adapter lies when it is no artifact; its digest is then that of its files. */
  folder?: string
  /** How the adapter is put to use; at run time, on weights as they are stored, unless given. */
  form?: Form
}

export type GenerateCall = Omit<GenerateRequest, 'adapter'>

interface CallOptions {
  signal?: AbortSignal
  onProgress?: (done: number, total: number) => void
  /** With the tokens that ended in the text, where the call reports tokens. */
  onText?: (row: number, text: string, tokens: StreamedToken[]) => void
}

/** A base's child process and the adapters that were put into it. */
interface Engine {
  process: Promise<InferenceProcess>
  adapters: Map<string, Promise<void>>
  /** Of a process that answers in a form of its own. */
  form?: Form
}

/** An engine that only evaluates ends when it was not asked for this long: it holds a copy of the weights. */
const EVALUATION_IDLE_MS = 30_000

/**
 * Keeps one child process per base and loads adapters into it when they are first asked for. Served calls share a batch;
 * evaluations follow one another and reuse nothing, so that equal calls see equal batches.
 */
export class EngineHost {
  #config: Config
  #purpose: 'serving' | 'evaluation'
  #engines = new Map<string, Engine>()
  #turn: Promise<unknown> = Promise.resolve()
  #idle: NodeJS.Timeout | undefined

  constructor(config: Config, purpose: 'serving' | 'evaluation') {
    this.#config = config
    this.#purpose = purpose
  }

  /** Answers conversations with a recorded model. Throws 'digest-mismatch' when the base's files changed. */
  async generate(
    store: ProjectStore,
    model: ModelReference,
    call: GenerateCall,
    options: CallOptions = {},
  ): Promise<Answer[]> {
    return this.#inTurn(() => this.#generate(store, model, call, options))
  }

  /** Natural-log probability of each token of each completion, under a recorded model. */
  async score(
    store: ProjectStore,
    model: ModelReference,
    items: ScoreRequest['items'],
    options: Pick<CallOptions, 'signal' | 'onProgress'> = {},
  ): Promise<number[][]> {
    return this.#inTurn(async () => {
      const process = await this.#ready(store, model)
      return process.score({ adapter: adapterOf(model), items }, options)
    })
  }

  /** Natural-log probabilities [V] of the token that follows each conversation, under a recorded model. */
  async nextTokens(
    store: ProjectStore,
    model: ModelReference,
    conversations: GenerateCall['conversations'],
    options: Pick<CallOptions, 'signal' | 'onProgress'> = {},
  ): Promise<Float32Array[]> {
    return this.#inTurn(async () => {
      const process = await this.#ready(store, model)
      return process.nextTokens({ adapter: adapterOf(model), conversations }, options)
    })
  }

  /** Writes the base of an adapter with the adapter folded in, as a folder in 32-bit floats. Throws 'incompatible' for GGUF. */
  async writeMerged(
    store: ProjectStore,
    { base, adapter }: { base: string; adapter: string },
    folder: string,
  ) {
    return this.#inTurn(async () => {
      const process = await this.#ready(store, { base, adapter: null })
      await process.writeMerged(await this.#folderOf(store, adapter), folder)
    })
  }

  /** Evaluations follow one another, and end their processes when no other comes. */
  async #inTurn<Result>(call: () => Promise<Result>): Promise<Result> {
    if (this.#purpose === 'serving') return call()
    clearTimeout(this.#idle)
    const result = this.#turn.then(call)
    const turn = result.then(
      () => {},
      () => {},
    )
    this.#turn = turn
    return result.finally(() => {
      if (this.#turn === turn) this.#idle = setTimeout(() => void this.close(), EVALUATION_IDLE_MS).unref()
    })
  }

  async #generate(
    store: ProjectStore,
    model: ModelReference,
    call: GenerateCall,
    options: CallOptions,
  ): Promise<Answer[]> {
    const { signal, onProgress, onText } = options
    const process = await this.#ready(store, model)
    const request = { ...call, adapter: adapterOf(model) }
    if (onText) return process.stream(request, onText, signal)
    return process.generate(request, {
      ...(signal ? { signal } : {}),
      ...(onProgress ? { onProgress } : {}),
    })
  }

  /** Makes a model ready to answer. Throws 'incompatible' for an adapter that does not fit its base. */
  async load(store: ProjectStore, model: ModelReference): Promise<void> {
    await this.#ready(store, model)
  }

  /** Takes an adapter out of its base's process, if it is there. */
  async unload({ base, adapter }: ModelReference): Promise<void> {
    const engine = this.#engines.get(base)
    if (adapter === null || !engine?.adapters.delete(adapter)) return
    const process = await engine.process.catch(() => null)
    if (process?.alive) await process.unloadAdapter(adapter)
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle)
    const engines = [...this.#engines.values()]
    this.#engines.clear()
    for (const { process } of engines) await process.then((started) => started.close()).catch(() => {})
  }

  /** The process that answers for a model. One that dies while it is made ready (killed, out of memory) is replaced once. */
  async #ready(store: ProjectStore, model: ModelReference): Promise<InferenceProcess> {
    for (let attempt = 1; ; attempt++) {
      const engine = await this.#engine(store, model)
      const process = await engine.process
      const adapter = adapterOf(model)
      try {
        if (adapter !== null) await this.#load(store, engine, model, adapter)
        return process
      } catch (error) {
        if (process.alive || attempt > 1) throw error
      }
    }
  }

  async #engine(store: ProjectStore, model: ModelReference): Promise<Engine> {
    const key = engineKey(model)
    const known = this.#engines.get(key)
    if (known && (await known.process.catch(() => null))?.alive !== false) return known
    // Others may have waited for the same dead process, and one of them was first.
    const current = this.#engines.get(key)
    if (current && current !== known) return current
    if (model.form !== undefined) await this.#closeForms()
    const engine: Engine = {
      ...{ process: this.#start(store, model), adapters: new Map() },
      ...(model.form === undefined ? {} : { form: model.form }),
    }
    this.#engines.set(key, engine)
    engine.process.catch(() => {
      if (this.#engines.get(key) === engine) this.#engines.delete(key)
    })
    return engine
  }

  /** Each form holds a copy of the weights, and they are asked one after another. */
  async #closeForms(): Promise<void> {
    for (const [key, { form, process }] of [...this.#engines]) {
      if (form === undefined) continue
      this.#engines.delete(key)
      await process.then((started) => started.close()).catch(() => {})
    }
  }

  async #start(store: ProjectStore, { base, adapter, form }: ModelReference): Promise<InferenceProcess> {
    const record = requireLocalBase(await store.artifacts.read<AnyBase>(base))
    const { path } = await requireRecordedBase(this.#config, record)
    const traits = form === undefined ? null : traitsOf(form)
    const merged =
      traits?.isMerged && adapter !== null ? { merged: await this.#folderOf(store, adapter) } : {}
    return InferenceProcess.start({
      path,
      digests: record.digests,
      threads: availableParallelism(),
      reusePrefixes: this.#purpose === 'serving',
      ...(traits ? { weightPrecision: traits.precision } : {}),
      ...merged,
    })
  }

  async #load(
    store: ProjectStore,
    { process, adapters }: Engine,
    model: ModelReference,
    adapter: string,
  ): Promise<void> {
    const loading = adapters.get(adapter) ?? this.#admit(store, process, model, adapter)
    adapters.set(adapter, loading)
    try {
      await loading
    } catch (error) {
      if (adapters.get(adapter) === loading) adapters.delete(adapter)
      throw error
    }
  }

  #folderOf(store: ProjectStore, adapter: string): Promise<string> {
    return materializeAdapter(store, adapter, join(this.#config.dataDirectory, 'adapters'))
  }

  async #admit(
    store: ProjectStore,
    process: Promise<InferenceProcess>,
    { base, folder: given }: ModelReference,
    adapter: string,
  ): Promise<void> {
    const record = given === undefined ? await store.artifacts.read<AdapterRecord>(adapter) : null
    const folder = given ?? (await this.#folderOf(store, adapter))
    const { name } = requireLocalBase(await store.artifacts.read<AnyBase>(base))
    const { path } = findBase(this.#config, name)
    const checked = { name, knownAs: knownAs(this.#config, name), digest: base, path }
    await admitAdapter({ store, process: await process, base: checked, adapter, folder, record })
  }
}

/** The adapter that a process applies at run time; null where it is merged into the weights, and for a base alone. */
function adapterOf({ adapter, form }: ModelReference): string | null {
  return form !== undefined && traitsOf(form).isMerged ? null : adapter
}

function engineKey(model: ModelReference): string {
  const { base, adapter, form } = model
  if (form === undefined) return base
  return traitsOf(form).isMerged ? `${base} ${form} ${adapter}` : `${base} ${form}`
}
