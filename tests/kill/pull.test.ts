// A pull that is killed in the middle of a file goes on from there, by the same command.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { writePicoBase } from '../../packages/engine/src/formats/pico-base.ts'
import type { JobView } from '../../packages/regraft/src/jobs/index.ts'
import { startHub } from '../../packages/regraft/src/models/fixtures/hub-server.ts'
import { CliProcess, runJson } from '../cli-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'regraft-kill-pull-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('killed while the weights come, the same pull completes them by a range', async () => {
  const base = join(folder, 'pico')
  writePicoBase(base)
  const files = Object.fromEntries(readdirSync(base).map((name) => [name, readFileSync(join(base, name))]))
  const hub = await startHub({ repository: 'tiny/pico', files })
  const home = mkdtempSync(join(folder, 'home-'))
  writeFileSync(join(home, 'regraft.yaml'), 'project: default\n')
  const environment = { HF_ENDPOINT: hub.url, HF_TOKEN: '' }
  const command = ['models', 'pull', 'tiny/pico']
  try {
    hub.fail('model.safetensors', { pace: 400 })
    const killed = new CliProcess(home, command, environment)
    const part = join(home, '.regraft/models/pico/files/model.safetensors.part')
    while (!existsSync(part) || statSync(part).size === 0) await sleep(5)
    expect((await killed.kill('SIGKILL')).signal).toBe('SIGKILL')
    const half = statSync(part).size
    expect(half).toBeLessThan(files['model.safetensors']!.length)

    const pulled = await runJson<{ already: boolean; path: string }>(home, command, environment)
    expect(pulled.already).toBe(false)
    expect(hub.seen.at(-1)).toMatchObject({ path: 'model.safetensors', range: `bytes=${half}-` })
    const weights = readFileSync(join(pulled.path, 'model.safetensors'))
    expect(weights.equals(files['model.safetensors']!)).toBe(true)

    const { jobs } = await runJson<{ jobs: JobView[] }>(home, ['jobs', 'list'])
    const first = jobs.at(-1)!
    const followed = await runJson<JobView>(home, ['jobs', 'follow', first.id])
    expect(followed).toMatchObject({ state: 'succeeded', result: { already: true } })
  } finally {
    await hub.close()
  }
})
