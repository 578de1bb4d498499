import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { type Answer, type GenerateRequest, InferenceProcess } from '@regraft/engine'
import type { Config } from '../config/index.ts'
import type { ProjectStore } from '../store/types.ts'
import { materializeAdapter } from './adapters.ts'
import { type BaseRecord, requireRecordedBase } from './bases.ts'

declare module '../operation/types.ts' {
  interface Services {
    engines: EngineHost
  }
}

/** A model that can answer: a base, alone or with an adapter. Both are digests of artifacts. */
export interface ModelReference {
  base: string
  adapter: string | null
}

export type GenerateCall = Omit<GenerateRequest, 'adapter'>

interface CallOptions {
  signal?: AbortSignal
  onProgress?: (done: number, total: number) => void
  onText?: (row: number, text: string) => void
}

/** Keeps one child process per base and loads adapters into it when they are first asked for. */
export class EngineHost {
  #config: Config
  #processes = new Map<string, Promise<InferenceProcess>>()
  #adapters = new Map<string, Promise<void>>()

  constructor(config: Config) {
    this.#config = config
  }

  /** Answers conversations with a recorded model. Throws 'digest-mismatch' when the base's files changed. */
  async generate(
    store: ProjectStore,
    model: ModelReference,
    call: GenerateCall,
    options: CallOptions = {},
  ): Promise<Answer[]> {
    const { signal, onProgress, onText } = options
    const process = await this.#ready(store, model)
    const request = { ...call, adapter: model.adapter }
    if (onText) return process.stream(request, onText, signal)
    return process.generate(request, {
      ...(signal ? { signal } : {}),
      ...(onProgress ? { onProgress } : {}),
    })
  }

  async close(): Promise<void> {
    const processes = [...this.#processes.values()]
    this.#processes.clear()
    this.#adapters.clear()
    for (const process of processes) await process.then((started) => started.close()).catch(() => {})
  }

  async #ready(store: ProjectStore, model: ModelReference): Promise<InferenceProcess> {
    const process = await this.#process(store, model.base)
    if (model.adapter !== null) await this.#load(store, process, model.base, model.adapter)
    return process
  }

  async #process(store: ProjectStore, base: string): Promise<InferenceProcess> {
    const known = this.#processes.get(base)
    if (known && (await known.catch(() => null))?.alive) return known
    if (known) {
      this.#processes.delete(base)
      for (const key of this.#adapters.keys()) if (key.startsWith(`${base} `)) this.#adapters.delete(key)
    }
    const starting = this.#processes.get(base) ?? this.#start(store, base)
    this.#processes.set(base, starting)
    starting.catch(() => this.#processes.delete(base))
    return starting
  }

  async #start(store: ProjectStore, base: string): Promise<InferenceProcess> {
    const record = await store.artifacts.read<BaseRecord>(base)
    const { path } = await requireRecordedBase(this.#config, record)
    return InferenceProcess.start({ path, digests: record.digests, threads: availableParallelism() })
  }

  async #load(store: ProjectStore, process: InferenceProcess, base: string, adapter: string): Promise<void> {
    const key = `${base} ${adapter}`
    const loading =
      this.#adapters.get(key) ??
      materializeAdapter(store, adapter, join(this.#config.dataDirectory, 'adapters')).then((folder) =>
        process.loadAdapter(adapter, folder),
      )
    this.#adapters.set(key, loading)
    try {
      await loading
    } catch (error) {
      this.#adapters.delete(key)
      throw error
    }
  }
}
