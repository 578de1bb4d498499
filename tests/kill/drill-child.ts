// A drill in a process of its own, for drill.test.ts: `node drill-child.ts <folder> <job> <attempt>` prints its stages and its answer.
import { rebuildOperation } from '../../packages/regraft/src/fleet/rebuild.ts'
import { makeDrilledAdapter } from '../journeys/drilled-adapter.ts'

const [folder, jobId, attempt] = process.argv.slice(2) as [string, string, string]
const made = await makeDrilledAdapter({ items: 10, folder })
const context = {
  ...made.context,
  ...{ jobId, attempt: Number(attempt) },
  progress: ({ stage }: { stage: string }) => console.log(JSON.stringify({ stage })),
}
const answer = await rebuildOperation.run(
  context,
  rebuildOperation.input.parse({ name: 'desk', allSeeds: true, seeds: 3 }),
)
const executions = await made.context.store.executions.producing(made.registration.adapter)
console.log(
  JSON.stringify({ finding: answer.verdict.finding, executions: executions.length, record: answer.record }),
)
await made.close()
