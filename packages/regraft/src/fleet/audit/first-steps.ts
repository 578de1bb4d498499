import { shellWord } from '../../operation/index.ts'
import type { AuditFacts, FirstStep } from './audit-facts.ts'
import { type AuditSettings, daysUntil, goldNeeded } from './judge-audit.ts'
import type { RowFacts } from './log-facts.ts'

export interface AuditPaths {
  logs: string | null
  rows: string | null
  evaluation: string | null
}

const CONVERT =
  'import torch, safetensors.torch as s; s.save_file({k: v.contiguous() for k, v in torch.load("adapter_model.bin", map_location="cpu", weights_only=True).items()}, "adapter_model.safetensors")'

/** What to do first, in order, from what an audit found. */
export function firstSteps(facts: AuditFacts, paths: AuditPaths, settings: AuditSettings): FirstStep[] {
  return [
    ...weightSteps(facts),
    ...baseSteps(facts),
    ...timeSteps(facts, settings),
    ...keepingSteps(facts),
    ...cleaningSteps(facts, paths),
    ...goldSteps(facts, paths),
  ]
}

function weightSteps({ adapter, state, folder, compatibility }: AuditFacts): FirstStep[] {
  const pickled = state.pickles.some(({ name }) => name === 'adapter_model.bin')
  if (!adapter.inspection.weights && pickled) {
    const what =
      'convert the pickled weights with PEFT’s Python; a pickle is a program, and is not opened here'
    return [{ what, command: `cd ${shellWord(folder)} && python -c '${CONVERT}'` }]
  }
  const failed = (compatibility.parts ?? [])
    .filter(({ outcome }) => outcome === 'fail')
    .map(({ title }) => title)
  const broken = adapter.inspection.weights === null
  if (broken || failed.includes('weights')) {
    const last = state.checkpoints.at(-1)
    const where = last ? `its checkpoints: ${state.checkpoints.join(', ')}` : 'another copy of it'
    const command = last ? `regraft audit ${shellWord(`${folder}/${last}`)}` : null
    return [{ what: `look for weights that ${broken ? 'can be read' : 'were trained'}: ${where}`, command }]
  }
  if (!failed.includes('format')) return []
  return [{ what: 'train it again as plain LoRA, or serve it elsewhere: it is not read here', command: null }]
}

function baseSteps({ base, folder }: AuditFacts): FirstStep[] {
  if (base.here !== null) return []
  const fitting = base.candidates.filter(({ fits }) => fits)
  if (fitting.length > 0) {
    return [
      {
        what: `say which base it was trained on, if it is one of ${fitting.map(({ name }) => name).join(', ')}`,
        command: `regraft audit ${shellWord(folder)} --base ${shellWord(fitting[0]!.name)}`,
      },
    ]
  }
  if (base.declared === null || !/^[\w.-]+\/[\w.-]+$/.test(base.declared)) {
    return [{ what: 'find out which base it was trained on, and get it while it is offered', command: null }]
  }
  const revision = base.revision === null ? '' : ` --revision ${base.revision}`
  return [
    {
      what: 'fetch its base while it is offered',
      command: `regraft models pull ${base.declared}${revision}`,
    },
  ]
}

function timeSteps(
  { base: { endOfLife, declared } }: AuditFacts,
  { now, rescueDays }: AuditSettings,
): FirstStep[] {
  if (!endOfLife) {
    const what = `find out until when ${declared ?? 'its base'} is offered, and write it into a file`
    return [{ what: `${what}: ${declared ?? '<base>'}: YYYY-MM-DD`, command: null }]
  }
  if (daysUntil(endOfLife.date, now) >= rescueDays) return []
  return [
    {
      what: 'let the adapter answer your prompts while its base lives: they are what a rescue learns from',
      command: null,
    },
  ]
}

function keepingSteps({ folder, base, compatibility }: AuditFacts): FirstStep[] {
  const refused = (compatibility.parts ?? []).some(
    ({ title, outcome }) => outcome === 'fail' && ['format', 'weights'].includes(title),
  )
  if (refused) return []
  const chosen = base.here === null ? '' : ` --base ${base.here}`
  return [
    {
      what: 'take it into a fleet with somebody who answers for it: its files are kept and its risk is watched',
      command: `regraft fleet adopt ${shellWord(folder)}${chosen} --owner YOU --deputy ANOTHER`,
    },
  ]
}

function cleaningSteps({ leaks, logs }: AuditFacts, paths: AuditPaths): FirstStep[] {
  const steps: FirstStep[] = []
  for (const { of, overlapping } of leaks) {
    if (overlapping === 0) continue
    const path = of === logs?.name ? paths.logs : paths.rows
    steps.push({
      what: `take the ${overlapping} rows of ${of} that repeat evaluation items out before anything is trained`,
      command: `regraft datasets screen ${shellWord(path!)} --against ${shellWord(paths.evaluation!)} --out clean.jsonl`,
    })
  }
  if (logs) {
    const personal =
      logs.personal.rows > 0 ? ` (${logs.personal.rows} rows with personal data, which builds mask)` : ''
    steps.push({
      what: `import the logs${asChats(logs)}${personal}`,
      command: commandFor(logs, `regraft import ${shellWord(paths.logs!)}`),
    })
  } else {
    steps.push({
      what: 'export the logs of what it answers: prompts are what a rescue needs first',
      command: null,
    })
  }
  return steps
}

function goldSteps({ evaluation, logs }: AuditFacts, { evaluation: path }: AuditPaths): FirstStep[] {
  const n = (evaluation?.answered ?? 0) + (logs?.gold ?? 0)
  const lacking = goldNeeded() - n
  const steps: FirstStep[] = []
  if (evaluation && path) {
    steps.push({
      what: `seal the evaluation items, so that nothing trains on them${asChats(evaluation)}`,
      command: commandFor(evaluation, `regraft datasets seal ${shellWord(path)} --as suite`),
    })
  }
  if (lacking > 0) {
    steps.push({
      what: `let people answer ${lacking} more items: a rescue is judged on human gold`,
      command: null,
    })
  }
  return steps
}

/** With the columns of a table; null for objects, which an audit can guess at and an import cannot. */
function commandFor({ format, columns }: RowFacts, command: string): string | null {
  if (format === 'objects') return null
  if (columns === null) return command
  return `${command} --text ${shellWord(columns.text)}${columns.label === null ? '' : ` --label ${shellWord(columns.label)}`}`
}

function asChats({ format }: RowFacts): string {
  return format === 'objects' ? ', written as CSV or as OpenAI messages first' : ''
}
