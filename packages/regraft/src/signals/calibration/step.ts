import { wilsonInterval } from '@regraft/methods'
import { z } from 'zod'
import { defineStep, type Selection } from '../../lineage/index.ts'
import { compileSignals } from '../compile.ts'
import { readTraffic } from '../traffic.ts'
import type { Policy } from '../use.ts'
import { type CalibratedRule, findingsOf } from './findings.ts'
import { Tally } from './tally.ts'

/** The content of the measurement artifact of a calibration. */
export interface Calibration {
  measures: 'signal-calibration'
  task: string | null
  threshold: number
  level: number
  goldWords: number
  /** Judged answers that were used, by what people found. */
  answers: { right: number; wrong: number; unwelcome: number }
  /** Share of right answers against which ratings are judged; `n` is the effective number behind it, 0 when it was given. */
  baseRate: { estimate: number; low: number; high: number; n: number }
  rules: CalibratedRule[]
}

export const CalibrationParameters = z.object({
  task: z.string().nullable(),
  threshold: z.number().gt(0).lt(1),
  level: z.number().gt(0.5).lt(1),
  goldWords: z.int().min(0),
  baseRate: z.number().gt(0).lt(1).nullable(),
})

/** What a suite says openly of its items: the rows of traffic that were held out as them. */
interface HeldOut {
  items: { inference: string | null; repeats?: string[] }[]
}

/** Judges every rule by what people said of answers and signals; what is an item of a sealed suite is passed over. */
export const calibrateSignals = defineStep({
  name: 'signals/calibrate',
  version: 3,
  determinism: 'pure',
  input: CalibrationParameters,
  async run({ parameters, read, readAll, project, signal, report }) {
    const { task, threshold, level, goldWords, baseRate } = parameters
    const selections = {
      inferences: await read<Selection>('inferences'),
      feedback: await read<Selection>('feedback'),
    }
    const sealed = sealedRows(await readAll<HeldOut>('suite'))
    const tally = new Tally(goldWords)
    let done = 0
    for await (const input of readTraffic(project, task, selections)) {
      tally.add(input, compileSignals(input), !sealed.has(input.inference.id))
      if (++done % 1000 === 0) {
        signal.throwIfAborted()
        report(done)
      }
    }
    const count = (truth: string) => tally.answers.filter((answer) => answer.truth === truth).length
    const { right, n } = tally.baseRate()
    const interval = n === 0 ? { low: 0, high: 1 } : wilsonInterval(Math.round(right * n), Math.round(n))
    const calibration: Calibration = {
      measures: 'signal-calibration',
      ...{ task, threshold, level, goldWords },
      answers: { right: count('right'), wrong: count('wrong'), unwelcome: count('unwelcome') },
      baseRate:
        baseRate === null
          ? { estimate: right, low: interval.low, high: interval.high, n }
          : { estimate: baseRate, low: baseRate, high: baseRate, n: 0 },
      rules: findingsOf(tally, { threshold, level, baseRate }),
    }
    return [{ role: 'calibration', kind: 'measurement', schemaVersion: 1, value: calibration }]
  },
})

/** Rows of traffic that sealed suites hold: what people say of them belongs to the evaluation. */
export function sealedRows(suites: readonly HeldOut[]): Set<string> {
  const items = suites.flatMap((suite) => suite.items)
  return new Set(
    items.flatMap(({ inference, repeats = [] }) => (inference === null ? [] : [inference, ...repeats])),
  )
}

/** What a build may use after a calibration. */
export function policyOf(calibration: Calibration | null, allowUncalibrated: boolean): Policy {
  const findings = (calibration?.rules ?? []).map(({ key, outcome, probability }) => {
    return [key, { outcome, probability }] as const
  })
  return { findings: new Map(findings), allowUncalibrated }
}
