import { hash } from 'node:crypto'
import manifest from '../../../package.json' with { type: 'json' }
import { consentOf } from '../../datasets/index.ts'
import { formatUuid } from '../../store/index.ts'
import type { CardFacts } from './card-facts.ts'

type Json = Record<string, unknown>

const UNKNOWN = 'unknown'

/**
 * A CycloneDX 1.6 bill of materials of an adapter (https://cyclonedx.org/docs/1.6/json/): the adapter with its model card and files, its
 * base as its ancestor, snapshot and suite as data. Equal records give equal documents.
 */
export function mlBom(facts: CardFacts): Json {
  const { registration, digest, snapshot, suite } = facts
  const parts = [
    baseComponent(facts),
    ...(snapshot && registration.snapshot ? [snapshotComponent(facts)] : []),
    ...(suite && registration.suite ? [suiteComponent(facts)] : []),
  ]
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    // Equal records have equal serial numbers.
    serialNumber: `urn:uuid:${formatUuid(hash('sha256', `ml-bom ${digest}`), '8')}`,
    version: 1,
    metadata: {
      timestamp: registration.registeredAt,
      tools: { components: [{ type: 'application', name: 'regraft', version: manifest.version }] },
      component: adapterComponent(facts),
    },
    components: parts,
    dependencies: [
      { ref: registration.adapter, dependsOn: [...new Set(parts.map((part) => part['bom-ref']))] },
      ...parts.map((part) => ({ ref: part['bom-ref'] })),
    ],
  }
}

function adapterComponent(facts: CardFacts): Json {
  const { registration, files, lora, erased, waived, effect } = facts
  const { name, version, adapter, owner, deputy, origin } = registration
  return {
    type: 'machine-learning-model',
    'bom-ref': adapter,
    name,
    version: String(version),
    description: `LoRA adapter of rank ${lora.rank ?? UNKNOWN} on ${facts.base.name}, ${origin}`,
    ...(owner === null ? {} : { publisher: owner }),
    licenses: [{ license: { name: UNKNOWN } }],
    hashes: hashesOf(files.find(({ path }) => path === 'adapter_model.safetensors')?.digest),
    modelCard: modelCardOf(facts),
    pedigree: {
      ancestors: [baseComponent(facts, `${registration.base.artifact}#ancestor`)],
      notes: 'The weights are a low-rank update of those of the ancestor.',
    },
    components: files.map(({ path, digest }) => ({
      ...{ type: 'file', 'bom-ref': `${adapter}#${path}`, name: path, hashes: hashesOf(digest) },
    })),
    properties: properties({
      ...{
        origin,
        registration: facts.digest,
        adapter,
        owner: owner ?? 'nobody',
        deputy: deputy ?? 'nobody',
      },
      'lora:rank': String(lora.rank ?? UNKNOWN),
      'lora:alpha': String(lora.alpha ?? UNKNOWN),
      'lora:rslora': String(lora.rslora),
      'lora:target-modules': lora.targets.join(' ') || UNKNOWN,
      recipe: registration.recipe ?? UNKNOWN,
      execution: registration.execution ?? UNKNOWN,
      verdict: registration.verdict ?? UNKNOWN,
      seeds: registration.seeds.join(' ') || UNKNOWN,
      environment: JSON.stringify(registration.environment),
      'effect-nats': effect === null ? UNKNOWN : String(effect),
      ...(waived.length > 0 ? { waived: waived.join(', ') } : {}),
      ...(erased === null ? {} : { 'erasure-certificate': erased }),
    }),
  }
}

function modelCardOf({ registration, snapshot, suite, recipe, base }: CardFacts): Json {
  const { score, missing } = registration
  return {
    modelParameters: {
      ...(recipe ? { approach: { type: 'supervised' } } : {}),
      task: 'text-generation',
      architectureFamily: base.architecture ?? UNKNOWN,
      modelArchitecture: 'LoRA',
      datasets: snapshot && registration.snapshot ? [{ ref: registration.snapshot.artifact }] : [],
      inputs: [{ format: 'text' }],
      outputs: [{ format: 'text' }],
    },
    ...(score && suite
      ? {
          quantitativeAnalysis: {
            performanceMetrics: [
              {
                type: 'accuracy',
                value: String(score.accuracy),
                slice: `sealed suite ${suite.name}, n ${score.n}`,
                confidenceInterval: { lowerBound: String(score.low), upperBound: String(score.high) },
              },
            ],
          },
        }
      : {}),
    considerations: {
      useCases: ['not stated'],
      technicalLimitations: missing.map(({ entry }) => `not known: ${entry}`),
    },
  }
}

function baseComponent(
  { registration: { base }, base: known }: CardFacts,
  ref: string = base.artifact,
): Json {
  const digests = base.kind === 'local' ? base.digests : null
  return {
    type: 'machine-learning-model',
    'bom-ref': ref,
    name: base.name,
    ...(base.kind === 'hosted' || base.revision === null ? {} : { version: base.revision }),
    licenses: [{ license: { name: known.licence ?? UNKNOWN } }],
    properties: properties({
      artifact: base.artifact,
      kind: base.kind,
      source: known.source,
      precision: base.kind === 'local' ? base.precision : UNKNOWN,
      'sha256:weights': digests?.weights ?? UNKNOWN,
      'sha256:tokenizer': digests?.tokenizer ?? UNKNOWN,
      'sha256:chat-template': digests ? digests.chatTemplate || 'none' : UNKNOWN,
    }),
  }
}

function snapshotComponent({ registration, snapshot }: CardFacts): Json {
  const { artifact, rows, dropped } = registration.snapshot!
  const sensitive = Object.keys(snapshot!.pii?.found ?? {})
  return {
    type: 'data',
    'bom-ref': artifact,
    name: `training snapshot${snapshot!.task === null ? '' : ` of ${snapshot!.task}`}`,
    data: [
      {
        type: 'dataset',
        name: 'training rows',
        description: `${rows} rows; ${dropped} were left out, each with a reason`,
        ...(sensitive.length > 0
          ? { sensitiveData: sensitive.map((kind) => `${kind} (${snapshot!.pii!.mode})`) }
          : {}),
      },
    ],
    licenses: licencesOf((snapshot!.sources ?? []).map(({ licence }) => licence)),
    properties: properties({
      artifact,
      rows: String(rows),
      dropped: String(dropped),
      consent: consentOf(snapshot!) ?? 'not stated',
      sources:
        (snapshot!.sources ?? []).map(({ source, rows: count }) => `${source} ${count}`).join(', ') ||
        UNKNOWN,
    }),
  }
}

function suiteComponent({ registration, suite }: CardFacts): Json {
  const { artifact, items } = registration.suite!
  return {
    type: 'data',
    'bom-ref': artifact,
    name: `evaluation suite ${suite!.name}`,
    data: [{ type: 'dataset', name: suite!.name, description: `${items} sealed items` }],
    licenses: licencesOf([]),
    properties: properties({ artifact, items: String(items) }),
  }
}

function licencesOf(licences: readonly (string | null)[]): Json[] {
  const names = [...new Set(licences.map((licence) => licence ?? UNKNOWN))].sort()
  return (names.length > 0 ? names : [UNKNOWN]).map((name) => ({ license: { name } }))
}

function hashesOf(digest: string | undefined): Json[] {
  return digest === undefined ? [] : [{ alg: 'SHA-256', content: digest.replace(/^sha256:/, '') }]
}

function properties(values: Record<string, string>): Json[] {
  return Object.entries(values).map(([name, value]) => ({ name: `regraft:${name}`, value }))
}
