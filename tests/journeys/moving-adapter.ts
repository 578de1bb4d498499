/** An adapter of a tiny base that has learned one answer (more it cannot hold), and a second base to move it to. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writePicoBase } from '../../packages/engine/src/formats/pico-base.ts'
import { loadConfig } from '../../packages/regraft/src/config/index.ts'
import { buildOperation } from '../../packages/regraft/src/datasets/build.ts'
import { sealOperation } from '../../packages/regraft/src/datasets/seal.ts'
import { registerOperation } from '../../packages/regraft/src/fleet/register.ts'
import { checkOperation } from '../../packages/regraft/src/gates/check.ts'
import { EngineHost } from '../../packages/regraft/src/models/index.ts'
import type { OperationContext } from '../../packages/regraft/src/operation/index.ts'
import type { NewInference } from '../../packages/regraft/src/store/index.ts'
import { openTestStore } from '../../packages/regraft/src/store/testing.ts'
import { runOperation } from '../../packages/regraft/src/training/run.ts'

const WORDS = ['card', 'error', 'other', 'that']
const ANSWER = 'card'
const SYSTEM = 'Say.'
/** Renders system prompts under another name, and marks turns otherwise. */
const OTHER_TEMPLATE =
  "{% for message in messages %}{{ '<|im_start|>' + ('note' if message['role'] == 'system' else message['role']) + ': ' + message['content'] + '<|im_end|>' }}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant: ' }}{% endif %}"

export interface MovingAdapter {
  context: OperationContext
  folder: string
  suite: string
  adapter: string
  /** Stores calls of a task; their ids. */
  addTraffic(
    texts: readonly string[],
    more?: { from?: number; subject?: string; derivedFrom?: string[] },
  ): Promise<string[]>
  close(): Promise<void>
}

const idOf = (index: number) => `01981f3e-5a30-7cc4-9c2b-d${String(index).padStart(11, '0')}`

export async function makeMovingAdapter(): Promise<MovingAdapter> {
  const folder = mkdtempSync(join(tmpdir(), 'regraft-moves-'))
  const store = await openTestStore()
  writePicoBase(join(folder, 'pico'))
  cpSync(join(folder, 'pico'), join(folder, 'next'), { recursive: true })
  const settings = join(folder, 'next', 'tokenizer_config.json')
  const changed = { ...JSON.parse(readFileSync(settings, 'utf8')), chat_template: OTHER_TEMPLATE }
  writeFileSync(settings, JSON.stringify(changed))
  const path = join(folder, 'next', 'tokenizer.json')
  const tokenizer = JSON.parse(readFileSync(path, 'utf8')) as { model: { merges: unknown[] } }
  tokenizer.model.merges = tokenizer.model.merges.slice(0, -4)
  writeFileSync(path, JSON.stringify(tokenizer))
  writeFileSync(
    join(folder, 'regraft.yaml'),
    [
      'bases: { pico: { path: pico }, next: { path: next } }',
      `tasks: { desk: { system: '${SYSTEM}', evaluation: desk, consent: by contract } }`,
      'suites: { desk: { maxTokens: 4 } }',
      'gates: { margin: 0.1 }',
      'owners: { owner: ada, deputy: grace }',
      '',
    ].join('\n'),
  )
  const { config } = loadConfig({ folder, environment: { REGRAFT_DATA: store.dataDirectory } })
  const project = store.project('moves')
  const engines = new EngineHost(config, 'evaluation')
  const context: OperationContext = {
    ...{ store: project, config, principal: { id: 'local', scopes: ['admin'] }, jobId: null, attempt: 1 },
    signal: new AbortController().signal,
    progress() {},
    log: { debug() {}, info() {}, warn() {}, error() {} },
    services: {
      evaluationEngines: engines,
      journals: { drained: async () => {} },
    } as unknown as OperationContext['services'],
  }
  let rows = 0
  const addTraffic: MovingAdapter['addTraffic'] = async (
    texts,
    { from = 0, subject, derivedFrom = [] } = {},
  ) => {
    const added = texts.map((content, index): NewInference => {
      return {
        ...{ id: idOf(rows++), occurredAt: new Date(Date.UTC(2026, 2, 1, 0, from + index)), derivedFrom },
        ...(subject === undefined ? {} : { subject }),
        payload: {
          messages: [
            { role: 'system', content: SYSTEM },
            { role: 'user', content },
          ],
          ...{ response: null, model: null, adapter: null, route: 'desk', parameters: {}, latencyMs: null },
          ...{ usage: null, finishReason: null, source: { kind: 'serving' } },
        },
      }
    })
    await project.inferences.insert(added)
    return added.map(({ id }) => id)
  }

  const ids = await addTraffic(Array.from({ length: 48 }, (_, i) => question(i)))
  await project.feedback.insert(
    ids.map((inferenceId, index) => ({
      ...{ id: `01981f3e-5a30-7cc4-9c2b-e${String(index).padStart(11, '0')}`, inferenceId },
      ...{
        occurredAt: new Date(Date.UTC(2026, 2, 2)),
        payload: { type: 'label', value: ANSWER, author: null },
      },
    })),
  )
  const items = Array.from({ length: 60 }, (_, i) => `${question(i, 'is')},${ANSWER}\n`)
  const blob = await project.blobs.put(Buffer.from(`text,label\n${items.join('')}`))
  const file = { digest: blob.digest, name: 'items.csv' }
  const sealing = { file, as: 'desk', text: 'text', label: 'label', system: SYSTEM }
  const { suite } = await sealOperation.run(context, sealOperation.input.parse(sealing))
  const building = { task: 'desk', nearDuplicates: 0, embedder: 'none' }
  await buildOperation.run(context, buildOperation.input.parse(building))
  const training = { base: 'pico', rank: 8, epochs: 10, batchSize: 8, learningRate: 0.02, threads: 1 }
  const { adapter } = await runOperation.run(context, runOperation.input.parse(training))
  await checkOperation.run(context, checkOperation.input.parse({}))
  await registerOperation.run(context, registerOperation.input.parse({ name: 'desk' }))
  return {
    ...{ context, folder, suite, adapter, addTraffic },
    async close() {
      await engines.close()
      await store.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Asks about a word; the number makes it another text. */
export function question(index: number, verb = 'where is'): string {
  return `${verb} the ${WORDS[index % 4]} ${Math.floor(index / 4)}`
}
