import { stringify } from 'yaml'
import { consentOf } from '../../datasets/index.ts'
import type { CardFacts } from './card-facts.ts'

const UNKNOWN = 'unknown'

/** A model card with the Hub's metadata block (https://huggingface.co/docs/hub/model-cards). What is unknown is said to be. */
export function modelCard(facts: CardFacts): string {
  const { registration: record } = facts
  const metadata = stringify(metadataOf(facts), { lineWidth: 0 })
  const sections: [string, string[]][] = [
    ['Model', modelLines(facts)],
    ['Intended use', ['Not stated by its record. Ask the owner before it answers anybody.']],
    ['Training data', dataLines(facts)],
    ['Training', trainingLines(facts)],
    ['Evaluation', evaluationLines(facts)],
    ['Use', useLines(facts)],
    ['Provenance', provenanceLines(facts)],
    ['What is not known', record.missing.map(({ entry, fix }) => `- ${plain(entry)}: ${plain(fix)}`)],
  ]
  const body = sections
    .filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => `## ${title}\n\n${lines.join('\n')}`)
  return [`---\n${metadata}---\n`, `# ${record.name} v${record.version}\n`, body.join('\n\n'), ''].join('\n')
}

function metadataOf({ registration, base, suite, recipe, digest }: CardFacts): Record<string, unknown> {
  const { name, score, adapter } = registration
  const results =
    score && suite
      ? [
          {
            task: { type: 'text-generation' },
            dataset: {
              type: suite.name,
              name: `sealed suite ${suite.name}`,
              revision: registration.suite!.artifact,
            },
            metrics: [
              {
                type: 'accuracy',
                value: score.accuracy,
                name: `accuracy, ${score.level * 100} % Wilson interval ${round(score.low)} to ${round(score.high)}, n ${score.n}`,
                verified: false,
              },
            ],
          },
        ]
      : []
  return {
    base_model: base.source,
    library_name: 'peft',
    license: UNKNOWN,
    pipeline_tag: 'text-generation',
    tags: ['lora', 'peft', 'regraft', ...(recipe ? [recipe.loss.name] : [])],
    regraft: { registration: digest, adapter },
    ...(results.length > 0 ? { 'model-index': [{ name, results }] } : {}),
  }
}

function modelLines({ registration: record, lora, base, effect, waived, erased }: CardFacts): string[] {
  const from = record.origin === 'trained' ? 'trained and registered' : 'trained elsewhere and adopted'
  const scale = lora.rslora ? 'alpha/√rank (rsLoRA)' : 'alpha/rank'
  return [
    `A LoRA adapter, ${from} with Regraft.`,
    '',
    ...table([
      ['rank, alpha', `${lora.rank ?? UNKNOWN}, ${lora.alpha ?? UNKNOWN}; scale ${scale}`],
      ['target modules', lora.targets.join(', ') || UNKNOWN],
      ['base', base.source],
      ['revision of the base', record.base.kind === 'hosted' ? UNKNOWN : (record.base.revision ?? UNKNOWN)],
      ['precision of the base', record.base.kind === 'local' ? record.base.precision : UNKNOWN],
      ['licence of the base', base.licence ?? UNKNOWN],
      ['licence of the adapter', UNKNOWN],
      ['owner, deputy', `${record.owner ?? 'nobody'}, ${record.deputy ?? 'nobody'}`],
      ['effect on fixed prompts', effect === null ? 'not measured' : `${effect.toPrecision(3)} nats at most`],
      ...(waived.length > 0
        ? [['differences from its base that its adopter answers for', waived.join(', ')]]
        : []),
      ...(erased === null
        ? []
        : [['erasure', `it has learned rows that were erased since: certificate ${erased}`]]),
    ]),
  ]
}

function dataLines({ snapshot, registration }: CardFacts): string[] {
  if (!snapshot || !registration.snapshot) return ['Unknown: it was trained elsewhere.']
  const { rows, dropped, artifact } = registration.snapshot
  const found = Object.entries(snapshot.pii?.found ?? {}).map(([kind, count]) => `${count} ${kind}`)
  const sources = (snapshot.sources ?? []).map(({ source, rows: count, consent, licence }) =>
    row([source, String(count), consent ?? 'not stated', licence ?? 'not stated']),
  )
  const personal = snapshot.pii
    ? `found in ${snapshot.pii.rows} rows (${found.join(', ') || 'none'}); mode ${snapshot.pii.mode}`
    : 'not looked for'
  return [
    ...table([
      ['snapshot', artifact],
      ['rows trained on', String(rows)],
      ['rows left out, each with a reason', String(dropped)],
      ['consent', consentOf(snapshot) ?? 'not stated'],
      ['personal data', personal],
    ]),
    ...(sources.length > 0
      ? ['', row(['source', 'rows', 'consent', 'licence']), row(['---', '---', '---', '---']), ...sources]
      : []),
  ]
}

function trainingLines({ recipe, registration: { environment, seeds, execution } }: CardFacts): string[] {
  if (!recipe) {
    const peft = typeof environment.peft === 'string' ? ` with PEFT ${plain(environment.peft)}` : ''
    return [`Recipe, seeds and environment are unknown: it was trained elsewhere${peft}.`]
  }
  const { loss, epochs, batchSize, learningRate, schedule, weightDecay, maxLength } = recipe
  const lock = Object.entries((environment.lock ?? {}) as Record<string, unknown>).map(
    ([key, value]) => `${key} ${value}`,
  )
  return table([
    [
      'loss',
      Object.entries(loss)
        .map(([key, value]) => (key === 'name' ? String(value) : `${key} ${value}`))
        .join(', '),
    ],
    ['epochs, batch size', `${epochs}, ${batchSize}`],
    ['learning rate', `${learningRate}, ${schedule}`],
    ['weight decay', String(weightDecay)],
    ['longest example', `${maxLength} tokens`],
    ['seeds', seeds.join(', ')],
    ['execution', execution ?? UNKNOWN],
    ['environment', lock.join(', ') || UNKNOWN],
  ])
}

function evaluationLines({ registration: { score }, suite, verdict }: CardFacts): string[] {
  if (!score || !suite) return ['It was never judged here.']
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`
  return [
    ...table([
      ['suite', `${suite.name}, sealed: training never saw its items`],
      [
        'accuracy',
        `${percent(score.accuracy)}, ${score.level * 100} % Wilson interval ${percent(score.low)} to ${percent(score.high)}, n ${score.n}`,
      ],
      ['gate', verdict ? `${verdict.outcome}: ${verdict.reason}` : 'none'],
    ]),
  ]
}

function useLines({ registration: { name }, base }: CardFacts): string[] {
  return [
    '```python',
    'from peft import PeftModel',
    'from transformers import AutoModelForCausalLM',
    '',
    `base = AutoModelForCausalLM.from_pretrained(${JSON.stringify(base.source)})`,
    `model = PeftModel.from_pretrained(base, ${JSON.stringify(name)})`,
    '```',
  ]
}

function provenanceLines({ registration, digest, files }: CardFacts): string[] {
  const { adapter, base, registeredAt, verdict } = registration
  const digests = base.kind === 'local' ? Object.entries(base.digests) : []
  return table([
    ['registered', registeredAt],
    ['registration', digest],
    ['adapter', adapter],
    ...(verdict === null ? [] : [['verdict', verdict]]),
    ...digests.map(([part, value]) => [`${part} of the base (sha256)`, value || 'none']),
    ...files.map(({ path, digest: sum }) => [path, sum]),
  ])
}

function table(rows: string[][]): string[] {
  return [row(['', '']), row(['---', '---']), ...rows.map(row)]
}

function row(cells: string[]): string {
  return `| ${cells.map(plain).join(' | ')} |`
}

/** One line of text that is nothing but text in Markdown: names come from other people's files. */
function plain(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/[\\`*_{}[\]<>|#!]/g, (mark) => (/^-{3}$/.test(text) ? mark : `\\${mark}`))
    .trim()
}

function round(value: number): number {
  return Number(value.toFixed(4))
}
