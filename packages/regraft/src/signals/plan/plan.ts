import { z } from 'zod'
import { RegraftError } from '../../errors/index.ts'
import type { Selection } from '../../lineage/index.ts'
import { defineOperation, OutputText } from '../../operation/index.ts'
import { answerOf } from '../answers.ts'
import { task, trafficInputs } from '../calibration/calibrate.ts'
import { type CalibratedRule, findingsOf } from '../calibration/findings.ts'
import { judgementOf, knownAnswers } from '../calibration/judged.ts'
import { sealedRows } from '../calibration/step.ts'
import { Tally } from '../calibration/tally.ts'
import { compileSignals, ruleOf } from '../compile.ts'
import type { RuleInput } from '../rules/index.ts'
import type { Signal } from '../signal.ts'
import { readTraffic } from '../traffic.ts'
import { calibrationKey } from '../use.ts'
import { chooseItems, type Judgeable } from './choose-items.ts'

/** A line of the file that people fill in. */
export interface JudgementLine {
  inference: string
  candidate: number
  signal: string | null
  propensity: number
  question: string
  prompt: string
  answer: string
  /** The answer that it is compared with. */
  other: string | null
  judgement: null
}

export const planOperation = defineOperation({
  name: 'signals plan',
  effect: 'read',
  scope: 'write',
  mode: 'call',
  summary: 'Choose which answers and signals a person should judge next, and write them out',
  input: z.object({
    task,
    judgements: z.int().min(1).max(2000).default(100).describe('how many a person will judge'),
    threshold: z.number().gt(0).lt(1).default(0.7).describe('as in signals calibrate †'),
    level: z.number().gt(0.5).lt(1).default(0.95).describe('as in signals calibrate †'),
    goldWords: z.int().min(0).default(8).describe('as in signals calibrate †'),
    seed: z.int().default(1).describe('seed of what is drawn'),
  }),
  output: z.object({
    items: z.int().describe('items in the file; an item may serve several rules'),
    random: z.int().describe('of them answers drawn from all, for the share of right ones'),
    allocation: z
      .array(
        z.object({
          key: z.string(),
          judged: z.number(),
          judgements: z.int(),
          settled: z.number().describe('probability that the rule is settled after them'),
        }),
      )
      .describe('judgements by rule'),
    out: OutputText.describe('JSON Lines to fill in: "judgement" becomes right, wrong or unwelcome'),
  }),
  example: 'regraft signals plan --judgements 100 --out judge.jsonl',
  render({ items, random, allocation }) {
    const lines = [`${items} to judge, ${random} of them drawn from all answers`]
    for (const { key, judged, judgements, settled } of allocation) {
      if (judgements === 0) continue
      lines.push(
        `  ${String(judgements).padStart(4)}  ${key} (${Math.round(judged)} judged so far): settled with probability ${settled.toFixed(2)}`,
      )
    }
    lines.push('fill in "judgement" and hand it back: regraft signals judge <file>')
    return lines.join('\n')
  },
  async run(context, input) {
    const { store, signal } = context
    const edges = await trafficInputs(context)
    const read = async <T>(role: string) =>
      await Promise.all(
        edges.filter((edge) => edge.role === role).map(({ digest }) => store.artifacts.read<T>(digest)),
      )
    const [inferences] = await read<Selection>('inferences')
    const [feedback] = await read<Selection>('feedback')
    const sealed = sealedRows(await read('suite'))
    const tally = new Tally(input.goldWords)
    const pool = { answers: [] as Judgeable[], byRule: new Map<string, Judgeable[]>() }
    const selections = { inferences: inferences!, feedback: feedback! }
    for await (const row of readTraffic(store, input.task ?? null, selections)) {
      signal.throwIfAborted()
      const signals = compileSignals(row)
      const isOpen = !sealed.has(row.inference.id)
      tally.add(row, signals, isOpen)
      if (!isOpen) continue
      for (const item of judgeables(row, signals, input.goldWords)) {
        if (item.signal === null) pool.answers.push(item)
        for (const key of item.keys) {
          const known = pool.byRule.get(key)
          if (known) known.push(item)
          else pool.byRule.set(key, [item])
        }
      }
    }
    if (pool.answers.length === 0 && pool.byRule.size === 0) {
      throw new RegraftError('not-found', 'there is nothing left to judge', {
        hint: 'regraft signals calibrate',
      })
    }
    const { threshold, level } = input
    const findings = findingsOf(tally, { threshold, level, baseRate: null })
    const open = findings.filter(({ outcome }) => outcome === 'cannot-tell')
    const rules = open.map((finding) => ({
      key: finding.key,
      volume: finding.signals,
      ...judgedOf(finding, threshold),
    }))
    const plan = chooseItems(pool, rules, { budget: input.judgements, seed: input.seed, level })
    const wanted = new Map(
      plan.items.map((item) => [`${item.inference} ${item.signal ?? item.candidate}`, item]),
    )
    const lines = new Map<string, JudgementLine>()
    const ids = new Set(plan.items.map((item) => item.inference))
    for await (const row of readTraffic(store, input.task ?? null, selections)) {
      if (!ids.has(row.inference.id)) continue
      for (const { line, key } of linesOf(row)) {
        const item = wanted.get(key)
        if (item) lines.set(key, { ...line, propensity: item.propensity })
      }
    }
    const ordered = [...wanted.keys()].flatMap((key) => lines.get(key) ?? [])
    return {
      items: ordered.length,
      random: plan.random,
      allocation: plan.allocation.map((each) => {
        return { ...each, judged: findings.find(({ key }) => key === each.key)!.n }
      }),
      out: { name: 'judge.jsonl', text: ordered.map((line) => `${JSON.stringify(line)}\n`).join('') },
    }
  },
})

/** What of an inference nobody has judged yet. */
function judgeables(row: RuleInput, signals: readonly Signal[], goldWords: number): Judgeable[] {
  const known = knownAnswers(row, signals, goldWords)
  const inference = row.inference.id
  const answers = new Map<number, Judgeable>()
  for (let candidate = 0; candidate < (row.inference.payload.candidates?.length ?? 1); candidate++) {
    if (answerOf(row.inference, candidate) === null || known.candidates.has(candidate)) continue
    const rating = signals.filter(
      (signal) => signal.claim.form === 'rating' && signal.candidate === candidate,
    )
    answers.set(candidate, { inference, candidate, signal: null, keys: rating.map(calibrationKey) })
  }
  const others = signals.flatMap((signal): Judgeable[] => {
    if (signal.claim.form === 'rating' || ruleOf(signal).basis === 'gold') return []
    if (judgementOf(signal, row.feedback)) return []
    return [{ inference, candidate: signal.candidate, signal: signal.id, keys: [calibrationKey(signal)] }]
  })
  return [...answers.values(), ...others]
}

/** Judgements as a proportion: of a rating those of the answers that bear it, which its claim must be likelier than not of. */
function judgedOf({ measure, bearing, right }: CalibratedRule, threshold: number) {
  if (measure === 'precision') return { n: bearing, right, threshold }
  return { n: Math.round(bearing), right: Math.min(Math.round(bearing), Math.round(right)), threshold: 0.5 }
}

function linesOf(
  row: RuleInput,
): { key: string; line: Omit<JudgementLine, 'propensity'> & { propensity: number } }[] {
  const { inference } = row
  const prompt = inference.payload.messages.map(({ role, content }) => `${role}: ${content}`).join('\n')
  const common = { inference: inference.id, propensity: 1, prompt, judgement: null }
  const lines: ReturnType<typeof linesOf> = []
  for (let candidate = 0; candidate < (inference.payload.candidates?.length ?? 1); candidate++) {
    const answer = answerOf(inference, candidate)
    if (answer === null) continue
    const question = 'Is the answer right, wrong, or right and unwelcome?'
    const line = { ...common, candidate, signal: null, question, answer, other: null }
    lines.push({ key: `${inference.id} ${candidate}`, line })
  }
  for (const { id, claim, candidate } of compileSignals(row)) {
    if (claim.form === 'rating') continue
    const question =
      claim.form === 'replacement'
        ? 'Is the answer right? (the other one was replaced by it)'
        : 'Is the answer the better one of the two? right: yes, wrong: no'
    const line = { ...common, candidate, signal: id, question, answer: claim.chosen, other: claim.rejected }
    lines.push({ key: `${inference.id} ${id}`, line })
  }
  return lines
}
