/**
 * Tells runners that a job waits. The row of the job is the truth: a lost or doubled call does no harm, because a
 * runner looks for queued rows when it starts, when it is called and when it has finished a job.
 */
export interface Waker {
  start(onWake: () => void): Promise<void>
  wake(): Promise<void>
  /** Runners whose jobs must not be taken over. */
  aliveRunners(): Promise<string[]>
  /** How often a runner looks for jobs by itself, in milliseconds; null when nobody else can add any. */
  readonly pollInterval: number | null
  stop(): Promise<void>
}

/** For the embedded database: only this process can hold it, so a call is enough and every other runner is gone. */
export function createLocalWaker(runner: string): Waker {
  let onWake = () => {}
  return {
    pollInterval: null,
    async start(callback) {
      onWake = callback
    },
    async wake() {
      onWake()
    },
    aliveRunners: async () => [runner],
    async stop() {
      onWake = () => {}
    },
  }
}
