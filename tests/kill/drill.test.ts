// kill -9 in the middle of a drill: what was trained is not trained again, and nothing of the first attempt is left.
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const CHILD = join(import.meta.dirname, 'drill-child.ts')
const folder = mkdtempSync(join(tmpdir(), 'regraft-killed-drill-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs the drill; kills it as soon as it prints `until`. */
async function drill(jobId: string, attempt: number, until?: string): Promise<string[]> {
  const child = spawn(process.execPath, [CHILD, folder, jobId, String(attempt)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    if (until !== undefined && output.includes(until)) child.kill('SIGKILL')
  })
  await new Promise((resolve) => child.on('close', resolve))
  return output.trim().split('\n')
}

test('a drill that is killed in its third training goes on there', async () => {
  const jobId = crypto.randomUUID()
  const first = await drill(jobId, 1, 'seed 3 of 3')
  expect(first.at(-1)).toContain('seed 3 of 3')
  expect(readdirSync(join(folder, 'data', 'training'))).toContain(`rebuild-${jobId}`)
  const second = await drill(jobId, 2)
  const trainings = second.filter((line) => line.includes('"train"'))
  // The recorded training, and the first of the drill.
  expect(JSON.parse(second.at(-1)!)).toMatchObject({ finding: 'REPRODUCED', executions: 2 })
  expect(trainings.length).toBeGreaterThan(0)
  expect(readdirSync(join(folder, 'data', 'training'))).toEqual([])
})
