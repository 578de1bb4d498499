import { describeCoverage } from '../../datasets/index.ts'
import type { TextStyle } from '../../operation/index.ts'
import { renderVerdict, type Verdict } from '../../verdict/index.ts'
import type { AuditFacts, FirstStep } from './audit-facts.ts'
import type { RowFacts } from './log-facts.ts'

const SHOWN = 5
const count = (value: number) => value.toLocaleString('en')

export function renderAudit(
  { facts, verdict, steps }: { facts: AuditFacts; verdict: Verdict; steps: FirstStep[] },
  { colour }: Pick<TextStyle, 'colour'>,
): string {
  const sections: [string, string[]][] = [
    ['adapter', adapterLines(facts)],
    ['base', baseLines(facts)],
    ['training state', stateLines(facts)],
    ['missing from its record', facts.missing.map(({ entry }) => entry)],
    ...(
      [
        ['logs', facts.logs],
        ['training rows', facts.rows],
        ['evaluation', facts.evaluation],
      ] as const
    ).flatMap(([title, found]): [string, string[]][] => (found ? [[title, rowLines(found)]] : [])),
    ...facts.leaks.map((leak): [string, string[]] => [`leaks in ${leak.of}`, leakLines(leak)]),
  ]
  const blocks = sections.map(([title, lines]) => [title, ...lines.map((line) => `  ${line}`)].join('\n'))
  const advice = steps.map(({ what, command }, index) =>
    [`  ${index + 1}. ${what}`, ...(command === null ? [] : [`     ${command}`])].join('\n'),
  )
  const judged = renderVerdict(verdict, { color: colour })
  return [...blocks, judged, ['what to do first', ...advice].join('\n')].join('\n\n')
}

function adapterLines({ adapter: { digest, bytes, inspection } }: AuditFacts): string[] {
  const { config, weights } = inspection
  const option = (name: string) => config[name] ?? '–'
  const targets = config.target_modules
  const shown = Array.isArray(targets) ? targets.toSorted().join(', ') : String(targets ?? '–')
  const settings = [
    `${option('peft_type')} rank ${option('r')}, alpha ${option('lora_alpha')}`,
    config.use_rslora === true ? 'rsLoRA' : '',
    config.use_dora === true ? 'DoRA' : '',
    `dropout ${option('lora_dropout')}`,
    `PEFT ${option('peft_version')}`,
  ]
  const lines = [settings.filter(Boolean).join(', '), `target modules ${shown}`]
  if (!weights) return [...lines, 'weights: none that can be opened']
  const { parameters, dtypes, modules } = weights
  lines.push(
    `${count(parameters)} parameters in ${count(modules.length)} modules, ${dtypes.join(' and ')}, ${count(bytes)} bytes`,
    `digest ${digest ?? '–'}`,
  )
  const norms = byLinear(modules)
  lines.push(...norms.map(({ name, a, b }) => `norms ${name.padEnd(10)} A ${a}  B ${b}`))
  return lines
}

/** Ranges of norms by the last part of the modules' names. */
function byLinear(modules: NonNullable<AuditFacts['adapter']['inspection']['weights']>['modules']) {
  const groups = Map.groupBy(modules, ({ name }) => name.split('.').at(-1)!)
  const range = (values: number[]) => {
    const [low, high] = [Math.min(...values), Math.max(...values)]
    return low === high ? low.toPrecision(3) : `${low.toPrecision(3)} to ${high.toPrecision(3)}`
  }
  return [...groups].map(([name, group]) => ({
    ...{ name, a: range(group.map(({ normA }) => normA)), b: range(group.map(({ normB }) => normB)) },
  }))
}

function baseLines({ base }: AuditFacts): string[] {
  const { declared, revision, here, reason, licence, endOfLife } = base
  return [
    `named ${declared ?? 'nowhere'}${revision === null ? '' : `, revision ${revision}`}`,
    here === null ? `not here: ${reason}` : `here as ${here}: ${reason}`,
    ...(here === null ? [] : [`licence ${licence ?? 'not stated by its files'}`]),
    `end of life ${endOfLife ? `${endOfLife.date} (${endOfLife.from})` : 'not known'}`,
  ]
}

function stateLines({ state }: AuditFacts): string[] {
  const { trainer, pickles, checkpoints, tokenizer, chatTemplate, card, changedAt } = state
  const lines: string[] = []
  if (trainer) {
    const { step, maxSteps, epoch, lastLoss } = trainer
    const loss = lastLoss === null ? '' : `, last loss ${Number(lastLoss.toPrecision(4))}`
    lines.push(`step ${step ?? '–'} of ${maxSteps ?? '–'}, epoch ${epoch ?? '–'}${loss}`)
  } else lines.push('no trainer_state.json')
  if (pickles.length > 0) {
    lines.push(
      `pickles, not opened: ${pickles.map(({ name, bytes }) => `${name} (${count(bytes)} bytes)`).join(', ')}`,
    )
  }
  if (checkpoints.length > 0) lines.push(`checkpoints ${checkpoints.join(', ')}`)
  lines.push(
    `tokenizer ${tokenizer ? 'there' : 'missing'}, chat template ${chatTemplate ? 'there' : 'missing'}`,
  )
  const told = Object.entries(card ?? {}).filter(([key]) =>
    ['base_model', 'license', 'datasets', 'tags'].includes(key),
  )
  lines.push(
    card === null
      ? 'no model card'
      : `model card: ${told.map(([key, value]) => `${key} ${[value].flat().join(', ')}`).join('; ') || 'says nothing'}`,
  )
  return [...lines, `last changed ${changedAt.slice(0, 10)}`]
}

function rowLines(found: RowFacts): string[] {
  const { name, format, rows, rejected, firstRejected, from, to, timed, models, personal, feedback } = found
  const lines = [
    `${count(rows)} rows of ${name} (${format}), ${count(found.distinctPrompts)} distinct prompts`,
  ]
  if (firstRejected) {
    const { line, reason } = firstRejected
    lines.push(`${count(rejected)} rows cannot be read; line ${line} ${reason}`)
  }
  lines.push(
    from === null ? 'no times' : `${count(timed)} with times, ${from.slice(0, 10)} to ${to!.slice(0, 10)}`,
  )
  const named = Object.entries(models).sort(([, a], [, b]) => b - a)
  if (named.length > 0) {
    const shown = named.slice(0, SHOWN).map(([model, many]) => `${model} ${count(many)}`)
    lines.push(`models ${shown.join(', ')}${named.length > SHOWN ? ` and ${named.length - SHOWN} more` : ''}`)
  }
  lines.push(
    `${count(found.answered)} with an answer, ${count(found.gold)} that a person answered or corrected`,
  )
  const types = Object.entries(feedback).map(([type, many]) => `${type} ${count(many)}`)
  if (types.length > 0) lines.push(`feedback on ${count(found.rated)} rows: ${types.join(', ')}`)
  const kinds = Object.entries(personal.found).map(([kind, many]) => `${kind} ${count(many)}`)
  lines.push(
    personal.rows === 0
      ? 'personal data: none found'
      : `personal data in ${count(personal.rows)} rows: ${kinds.join(', ')}`,
  )
  return lines
}

function leakLines(leak: AuditFacts['leaks'][number]): string[] {
  const { rows, items, overlapping, itemsTouched, rungs, listed, coverage, stockAnswers } = leak
  const counts = Object.entries(rungs).map(([rung, many]) => `${rung} ${count(many)}`)
  const lines = [
    `${count(overlapping)} of ${count(rows)} rows overlap ${count(itemsTouched)} of ${count(items)} items${counts.length > 0 ? ` (${counts.join(', ')})` : ''}`,
    ...listed
      .slice(0, SHOWN)
      .map(
        ({ line, item, rungs: fired }) =>
          `line ${line} repeats the item of line ${item}: ${fired.join(', ')}`,
      ),
  ]
  if (overlapping > SHOWN)
    lines.push(`and ${count(overlapping - SHOWN)} more: regraft datasets screen writes them all`)
  if (stockAnswers > 0)
    lines.push(`${count(stockAnswers)} rows share only an answer that many rows give: labels`)
  return [...lines, ...describeCoverage(coverage).map((line) => line.trim())]
}
