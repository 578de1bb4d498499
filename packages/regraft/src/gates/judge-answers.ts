import { z } from 'zod'
import { JudgeScorer } from '../config/index.ts'
import { defineStep, type Step } from '../lineage/index.ts'
import { Judged, type JudgeOptions, visitWithJudge } from './ask-judge.ts'
import { Without } from './ask-suite.ts'
import type { MeasuredItem, SuiteAnswers, SuiteMeasurement } from './measurement.ts'
import { gradeInstruction, gradeRequest, readGrade } from './suites/judge.ts'

const Parameters = z.object({ scorer: JudgeScorer, judge: Judged, without: Without })

/**
 * The step that lets a judge grade answers to a suite. Inputs: suite, base and, for an adapter, adapter, and answers
 * (`SuiteAnswers`). External: the judge is somebody else's model. The text of the items leaves for its endpoint.
 */
export function judgeAnswers(options: JudgeOptions): Step<z.output<typeof Parameters>> {
  return defineStep({
    name: 'gates/judge-answers',
    version: 1,
    determinism: 'external',
    input: Parameters,
    async run(call) {
      const { scorer, judge } = call.parameters
      const answers = await call.read<SuiteAnswers>('answers')
      const told = { ...options, instruction: gradeInstruction(scorer) }
      const measurement = await visitWithJudge(call, told, async (opened, askAll) => {
        const sealed = new Map(opened.items.map((item) => [item.id, item]))
        const answered = answers.items.filter(({ id }) => sealed.has(id))
        const texts = answered.map(({ id, answer }) => gradeRequest(sealed.get(id)!, answer))
        const scores = await askAll(texts, (reply) => readGrade(reply, scorer))
        const items: MeasuredItem[] = []
        const unjudged: string[] = []
        for (const [index, item] of answered.entries()) {
          const score = scores[index]!
          if (score === null) unjudged.push(item.id)
          else items.push({ ...item, score, correct: score >= scorer.correctFrom })
        }
        opened.vault.noteHits(opened.suite, items.filter(({ correct }) => correct).length)
        const { suite, base, adapter, form, maxTokens } = answers
        const value: SuiteMeasurement = {
          measures: 'suite-scores',
          ...{ suite, base, adapter, ...(form ? { form } : {}), scorer, maxTokens, judge, items },
          ...(unjudged.length > 0 ? { unjudged } : {}),
        }
        return value
      })
      return [{ role: 'measurement', kind: 'measurement', schemaVersion: 2, value: measurement }]
    },
  })
}
