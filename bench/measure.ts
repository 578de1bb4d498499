import os from 'node:os'
import { median } from '@regraft/methods'

/** The machine as the first line of a benchmark tells it: processor, load, runtime. */
export function describeMachine(): string {
  const load = os
    .loadavg()
    .map((average) => average.toFixed(2))
    .join(' ')
  return `${os.cpus()[0]?.model}, ${os.cpus().length} CPUs, load ${load}, Node ${process.version}`
}

/** Median, smallest and largest of the runs, and how many there were. */
export function describeRuns(values: readonly number[], digits = 0): string {
  const show = (value: number) =>
    value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return `${show(median(values))} (${show(low)} to ${show(high)}, n = ${values.length})`
}
