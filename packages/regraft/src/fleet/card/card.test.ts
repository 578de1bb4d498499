import { createPublicKey, verify } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Spec, Validation } from '@cyclonedx/cyclonedx-library'
import { readAdapter } from '@regraft/engine'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { Config } from '../../config/index.ts'
import type { OperationContext } from '../../operation/index.ts'
import { canonicalBytes } from '../../store/index.ts'
import { openTestStore } from '../../store/testing.ts'
import { adoptOperation } from '../adopt/adopt.ts'
import { writeNanoAdapter } from '../fixtures/peft-folder.ts'
import { bomOperation } from './bom.ts'
import { cardOperation } from './card.ts'
import type { CardFacts } from './card-facts.ts'
import { exportOperation } from './export.ts'
import { mlBom } from './ml-bom.ts'
import { modelCard } from './model-card.ts'

const folder = mkdtempSync(join(tmpdir(), 'regraft-card-'))
let store: Awaited<ReturnType<typeof openTestStore>>
let context: OperationContext

beforeAll(async () => {
  store = await openTestStore()
  context = {
    ...{ store: store.project('p'), config: { ...Config.parse({}), dataDirectory: join(folder, 'data') } },
    principal: { id: 'local', scopes: ['admin'] },
    signal: new AbortController().signal,
    progress() {},
  } as unknown as OperationContext
})
afterAll(async () => {
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

// CycloneDX's own validator with the schemas that it brings (strict: unknown members are faults).
const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6)
const faultsOf = async (bom: object) => await validator.validate(JSON.stringify(bom))

const digest = (letter: string) => `sha256:${letter.repeat(64)}`
/** All that a trained registration knows. */
const FACTS: CardFacts = {
  digest: digest('1'),
  registration: {
    ...{
      origin: 'trained',
      name: 'routing',
      version: 3,
      owner: 'ada',
      deputy: 'grace',
      adapter: digest('2'),
    },
    base: {
      ...{ kind: 'local', artifact: digest('3'), name: 'smol', revision: 'abc123', precision: 'F16' },
      digests: { weights: 'a'.repeat(64), tokenizer: 'b'.repeat(64), chatTemplate: '' },
    },
    snapshot: { artifact: digest('4'), rows: 900, dropped: 12, consent: 'terms of 2025' },
    ...{ recipe: digest('5'), run: digest('6'), execution: '0198c0de', seeds: [7], routes: [], missing: [] },
    environment: { lock: { cpu: 'some | cpu', threads: 2 }, regraft: '0.1.0' },
    suite: { artifact: digest('7'), items: 300 },
    score: { accuracy: 0.723, low: 0.67, high: 0.771, level: 0.95, n: 300 },
    ...{ verdict: digest('8'), registeredAt: '2026-11-27T09:00:00.000Z' },
  },
  lora: { rank: 16, alpha: 32, rslora: true, targets: ['q_proj', 'v_proj'] },
  files: [
    { path: 'adapter_config.json', digest: digest('c'), size: 10 },
    { path: 'adapter_model.safetensors', digest: digest('d'), size: 20 },
  ],
  waived: [],
  base: { name: 'smol', source: 'org/Smol-135M', licence: 'apache-2.0', architecture: 'llama' },
  recipe: {
    ...{
      loss: { name: 'sft' },
      seed: 7,
      epochs: 6,
      batchSize: 16,
      microBatchTokens: 4096,
      learningRate: 0.001,
    },
    ...{
      schedule: 'cosine',
      warmupRatio: 0.06,
      weightDecay: 0.01,
      maxGradientNorm: 1,
      beta1: 0.9,
      beta2: 0.999,
    },
    ...{ epsilon: 1e-8, maxLength: 128, weightPrecision: 'f32', earlyStopping: null, threads: 2 },
    lora: {
      ...{ rank: 16, alpha: 32, useRslora: true, targetModules: ['q_proj', 'v_proj'], dropout: 0 },
      ...{ rankPattern: {}, alphaPattern: {} },
    },
  },
  snapshot: {
    ...{
      task: 'routing',
      consent: 'terms of 2025',
      suite: digest('7'),
      splitBy: 'time',
      rows: [],
      dropped: [],
    },
    sources: [{ source: 'import:aa', rows: 900, consent: 'terms of 2025', licence: 'CC-BY-4.0' }],
    pii: { mode: 'mask', rows: 2, found: { email: 3 } },
    coverage: [],
  },
  suite: { name: 'routing', items: 300 },
  verdict: {
    outcome: 'pass',
    title: 'gate',
    reason: 'better than its base',
    n: 300,
    evidence: [],
    rerun: 'again',
  },
  effect: 1.25,
  erased: null,
}

const metadataOf = (card: string) =>
  parse(/^---\n([\s\S]*?)\n---\n/.exec(card)![1]!) as Record<string, unknown>

test('a bill of materials is valid CycloneDX 1.6, and names base, data, hashes, scores and what made it', async () => {
  const bom = mlBom(FACTS)
  expect(await faultsOf(bom)).toBeNull()
  expect(bom).toMatchObject({
    metadata: {
      component: {
        ...{ type: 'machine-learning-model', name: 'routing', version: '3', publisher: 'ada' },
        hashes: [{ alg: 'SHA-256', content: 'd'.repeat(64) }],
        pedigree: {
          ancestors: [{ name: 'smol', version: 'abc123', licenses: [{ license: { name: 'apache-2.0' } }] }],
        },
        modelCard: {
          modelParameters: { architectureFamily: 'llama', datasets: [{ ref: digest('4') }] },
          quantitativeAnalysis: {
            performanceMetrics: [
              {
                type: 'accuracy',
                value: '0.723',
                confidenceInterval: { lowerBound: '0.67', upperBound: '0.771' },
              },
            ],
          },
        },
      },
    },
    components: [
      { type: 'machine-learning-model', 'bom-ref': digest('3') },
      { type: 'data', 'bom-ref': digest('4'), licenses: [{ license: { name: 'CC-BY-4.0' } }] },
      { type: 'data', 'bom-ref': digest('7') },
    ],
    dependencies: [{ ref: digest('2'), dependsOn: [digest('3'), digest('4'), digest('7')] }, {}, {}, {}],
  })
  expect(mlBom(FACTS)).toEqual(bom)
  // The validator is no rubber stamp.
  const { component } = bom.metadata as { component: { name?: string } }
  const nameless = { ...bom, metadata: { component: { ...component, name: undefined } } }
  expect(await faultsOf(nameless)).not.toBeNull()
  expect(await faultsOf({ ...bom, invented: true })).not.toBeNull()
})

test('a card has the metadata of the Hub, and every figure of the record', () => {
  const card = modelCard(FACTS)
  expect(metadataOf(card)).toMatchObject({
    ...{
      base_model: 'org/Smol-135M',
      library_name: 'peft',
      license: 'unknown',
      pipeline_tag: 'text-generation',
    },
    tags: ['lora', 'peft', 'regraft', 'sft'],
    'model-index': [
      {
        name: 'routing',
        results: [
          {
            task: { type: 'text-generation' },
            dataset: { type: 'routing', name: 'sealed suite routing', revision: digest('7') },
            metrics: [{ type: 'accuracy', value: 0.723 }],
          },
        ],
      },
    ],
  })
  for (const part of [
    '| accuracy | 72.3 %, 95 % Wilson interval 67.0 % to 77.1 %, n 300 |',
    '| import:aa | 900 | terms of 2025 | CC-BY-4.0 |',
    '| personal data | found in 2 rows (3 email); mode mask |',
    '| seeds | 7 |',
    'cpu some \\| cpu',
    `| adapter\\_model.safetensors | ${digest('d')} |`,
  ]) {
    expect(card).toContain(part)
  }
  expect(card).not.toContain('What is not known')
})

test('what nobody knows of an adopted adapter is said to be unknown, in a card and a bill that are whole', async () => {
  const hostile = 'org/x\n---\nlicense: mit\n# pwned | <img src=x> `a`'
  const peft = writeNanoAdapter(join(folder, 'orphan'), { baseName: hostile })
  writeFileSync(join(peft, 'README.md'), '---\nlicense: cc0-1.0\n---\ntheir card\n')
  await adoptOperation.run(context, adoptOperation.input.parse({ folder: peft, deputy: 'grace' }))
  const { out } = await cardOperation.run(context, { reference: 'orphan' })
  const metadata = metadataOf(out.text)
  expect(metadata).toMatchObject({ base_model: hostile, license: 'unknown' })
  expect(metadata).not.toHaveProperty('model-index')
  const body = out.text.slice(out.text.indexOf('# orphan v1'))
  expect(body).toContain('Unknown: it was trained elsewhere.')
  expect(body).toContain('It was never judged here.')
  expect(body).toContain('- the training rows, with source and consent')
  expect(body).toContain('| owner, deputy | nobody, grace |')
  // In Markdown it is text; in the code, a string of one line.
  expect(body.replace(/^```python\n[\s\S]*?^```$/m, '')).not.toMatch(/^# pwned|(?<!\\)<img/m)

  const bom = JSON.parse((await bomOperation.run(context, { reference: 'orphan' })).out.text)
  expect(await faultsOf(bom)).toBeNull()
  expect(bom.components).toHaveLength(1)
  expect(bom.metadata.component.modelCard.considerations.technicalLimitations).toContain('not known: owner')
  const { signature, ...unsigned } = bom
  const { value, ...signer } = signature
  const key = createPublicKey({ key: signer.publicKey, format: 'jwk' })
  const isSigned = (document: object) =>
    verify(null, canonicalBytes({ ...document, signature: signer }), key, Buffer.from(value, 'base64url'))
  expect(isSigned(unsigned)).toBe(true)
  expect(isSigned({ ...unsigned, version: 2 })).toBe(false)
})

test('an exported folder holds the same adapter with card and bill, and nothing is overwritten', async () => {
  const out = join(folder, 'exported')
  const exported = await exportOperation.run(context, { reference: 'orphan@1', out })
  expect(exported.files).toEqual([
    'README.adopted.md',
    'README.md',
    'adapter_config.json',
    'adapter_model.safetensors',
    'bom.cdx.json',
  ])
  expect(readAdapter(out).modules).toEqual(readAdapter(join(folder, 'orphan')).modules)
  expect(readFileSync(join(out, 'README.adopted.md'), 'utf8')).toContain('their card')
  await expect(exportOperation.run(context, { reference: 'orphan', out })).rejects.toThrow(/is not empty/)
  await expect(
    exportOperation.run(context, { reference: 'nobody', out: join(folder, 'x') }),
  ).rejects.toMatchObject({
    code: 'not-found',
  })
  const other = { ...context, principal: { id: 'key-1', scopes: [] } }
  await expect(
    exportOperation.run(other, { reference: 'orphan', out: join(folder, 'x') }),
  ).rejects.toMatchObject({
    code: 'forbidden',
  })
  mkdirSync(join(folder, 'empty'))
  await exportOperation.run(context, { reference: 'orphan', out: join(folder, 'empty') })
  expect(readdirSync(folder).filter((name) => name.includes('unfinished'))).toEqual([])
})
