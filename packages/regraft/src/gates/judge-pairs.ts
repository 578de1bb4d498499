import { z } from 'zod'
import { PairwiseScorer } from '../config/index.ts'
import type { OpenItem } from '../datasets/index.ts'
import { defineStep, type Step } from '../lineage/index.ts'
import { type AskAll, Judged, type JudgeOptions, visitWithJudge } from './ask-judge.ts'
import { Without } from './ask-suite.ts'
import type { AnsweredItem, MeasuredItem, SuiteAnswers, SuiteMeasurement } from './measurement.ts'
import {
  type Preference,
  pairwise,
  preferenceInstruction,
  preferenceRequest,
  readPreference,
} from './suites/pairwise.ts'

const Parameters = z.object({ scorer: PairwiseScorer, judge: Judged, without: Without })

/**
 * The step that lets a judge compare the answers of two models to a suite, each pair in both orders. Inputs: suite, base and, for
 * an adapter, adapter of the candidate; candidate and other (`SuiteAnswers`). External, as `judgeAnswers`. Equal answers are a
 * tie that nobody is asked about.
 */
export function judgePairs(options: JudgeOptions): Step<z.output<typeof Parameters>> {
  return defineStep({
    name: 'gates/judge-pairs',
    version: 1,
    determinism: 'external',
    input: Parameters,
    async run(call) {
      const { scorer, judge } = call.parameters
      const candidate = await call.read<SuiteAnswers>('candidate')
      const other = await call.read<SuiteAnswers>('other')
      const told = { ...options, instruction: preferenceInstruction(scorer) }
      const measurement = await visitWithJudge(call, told, async (opened, askAll) => {
        const pairs = pairsOf(opened.items, candidate.items, other.items)
        const { items, unjudged } = await judgeBothOrders(pairs, askAll)
        opened.vault.noteHits(opened.suite, items.filter(({ correct }) => correct).length)
        const { suite, base, adapter, form, maxTokens } = candidate
        const value: SuiteMeasurement = {
          measures: 'suite-scores',
          ...{
            suite,
            base,
            adapter,
            ...(form ? { form } : {}),
            against: { base: other.base, adapter: other.adapter },
          },
          ...{ scorer, maxTokens, judge, items },
          ...(unjudged.length > 0 ? { unjudged } : {}),
        }
        return value
      })
      return [{ role: 'measurement', kind: 'measurement', schemaVersion: 2, value: measurement }]
    },
  })
}

interface Pair {
  sealed: OpenItem
  candidate: AnsweredItem
  other: string
}

/** Items that both have answered and that still count, in the order of the suite. */
function pairsOf(
  sealed: readonly OpenItem[],
  candidate: readonly AnsweredItem[],
  other: readonly AnsweredItem[],
): Pair[] {
  const mine = new Map(candidate.map((item) => [item.id, item]))
  const others = new Map(other.map(({ id, answer }) => [id, answer]))
  return sealed.flatMap((item) => {
    const [first, second] = [mine.get(item.id), others.get(item.id)]
    return first === undefined || second === undefined
      ? []
      : { sealed: item, candidate: first, other: second }
  })
}

async function judgeBothOrders(pairs: readonly Pair[], askAll: AskAll) {
  const asked = pairs.filter(({ candidate, other }) => candidate.answer !== other)
  const texts = asked.flatMap(({ sealed, candidate, other }) => [
    preferenceRequest(sealed, candidate.answer, other),
    preferenceRequest(sealed, other, candidate.answer),
  ])
  const said = await askAll(texts, readPreference)
  const words = new Map(asked.map((pair, index) => [pair, said.slice(2 * index, 2 * index + 2)]))
  const items: MeasuredItem[] = []
  const unjudged: string[] = []
  for (const pair of pairs) {
    const [ahead, behind] = words.get(pair) ?? ['tie', 'tie']
    if (ahead == null || behind == null) unjudged.push(pair.candidate.id)
    else items.push(preferred(pair, ahead, behind))
  }
  return { items, unjudged }
}

function preferred({ candidate, other }: Pair, ahead: Preference, behind: Preference): MeasuredItem {
  const score = pairwise(ahead, behind)
  const lengthDifference = [...candidate.answer].length - [...other].length
  return { ...candidate, score, correct: score === 1, compared: { ahead, behind, lengthDifference } }
}
