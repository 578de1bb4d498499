import type { Log } from '../operation/index.ts'
import type { Waker } from './waker.ts'

const QUEUE = 'regraft-jobs'

/**
 * For Postgres with several servers: pg-boss wakes one of them at once (LISTEN/NOTIFY), its registry of instances says
 * which runners live, and each looks for waiting jobs every 5 s because the one that was woken may be busy.
 */
export function createPgBossWaker(options: { databaseUrl: string; runner: string; log: Log }): Waker {
  const { databaseUrl, runner, log } = options
  let boss: import('pg-boss').PgBoss | null = null
  return {
    pollInterval: 5_000,
    async start(onWake) {
      const { PgBoss } = await import('pg-boss')
      boss = new PgBoss({
        connectionString: databaseUrl,
        max: 3,
        schedule: false,
        useListenNotify: true,
        instanceName: runner,
        // A runner counts as gone after three missed heartbeats.
        instanceHeartbeatSeconds: 10,
      })
      boss.on('error', (error) => log.warn('job queue', { error: error.message }))
      await boss.start()
      await boss.createQueue(QUEUE, { notify: true, retryLimit: 0, deleteAfterSeconds: 60 })
      await boss.work(QUEUE, { pollingIntervalSeconds: 5 }, async () => onWake())
    },
    async wake() {
      await boss?.send(QUEUE, {})
    },
    async aliveRunners() {
      const instances = (await boss?.getInstances()) ?? []
      return [runner, ...instances.filter((one) => one.live && one.name !== null).map((one) => one.name!)]
    },
    async stop() {
      await boss?.stop({ graceful: false })
      boss = null
    },
  }
}
