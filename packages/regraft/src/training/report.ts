import type { MemoryPlan, TrainerEvent } from '@regraft/engine'
import type { OperationContext } from '../operation/index.ts'

/** Updates whose losses a progress event carries, for the curve beside the figures. */
const RECENT = 48

/** Passes on what a trainer says as progress of the job, with the course of the loss. */
export function trainingReporter({
  progress,
  log,
}: Pick<OperationContext, 'progress' | 'log'>): (event: TrainerEvent) => void {
  let losses: number[] = []
  return (event) => {
    switch (event.event) {
      case 'prepared': {
        const { examples, tokens, updates, dropped, memory } = event
        if (dropped.length > 0) {
          log.warn(`${dropped.length} rows are too long for --max-length and are left out`)
        }
        const message = `${examples} rows, ${tokens} tokens per epoch, ${describeMemory(memory)}`
        return progress({ stage: 'train', done: 0, total: updates, unit: 'updates', message })
      }
      case 'resumed': {
        const { update, updates } = event
        return progress({ stage: 'train', done: update, total: updates, unit: 'updates', message: 'resumed' })
      }
      case 'update': {
        const { update, updates, loss, tokensPerSecond, metrics: measured } = event
        losses = [...losses.slice(1 - RECENT), loss]
        const shown: Record<string, number> =
          measured.rewardAccuracy === undefined ? {} : { accuracy: round(measured.rewardAccuracy, 2) }
        const metrics = { loss: round(loss, 3), ...shown, 'tokens/s': Math.round(tokensPerSecond) }
        const recent = { loss: losses.map((value) => round(value, 4)) }
        return progress({ stage: 'train', done: update, total: updates, unit: 'updates', metrics, recent })
      }
      case 'validation': {
        const metrics = { validationLoss: round(event.loss, 3) }
        return progress({ stage: 'validate', message: `epoch ${event.epoch}`, metrics })
      }
      case 'stopped-early':
        return log.warn(
          `stopped early at update ${event.update}: the best validation was after update ${event.bestUpdate}`,
        )
    }
  }
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

function describeMemory({ execution, bytes, wholeBytes }: MemoryPlan): string {
  const megabytes = (value: number) => `${Math.round(value / 1e6)} MB`
  if (execution === 'whole') return `about ${megabytes(bytes)} (whole graph)`
  return `about ${megabytes(bytes)} (layer by layer; the whole graph would take ${megabytes(wholeBytes)})`
}
