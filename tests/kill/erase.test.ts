// Erasing a person, by the real command line and server: traffic, feedback, import, build, training; then the same erasure killed
// in its stages, and continued.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writePicoBase } from '../../packages/engine/src/formats/pico-base.ts'
import { readNewest } from '../../packages/regraft/src/interfaces/holder/lock.ts'
import { requestSocket } from '../../packages/regraft/src/interfaces/holder/socket.ts'
import type { JobView } from '../../packages/regraft/src/jobs/index.ts'
import { openStore } from '../../packages/regraft/src/store/index.ts'
import type { Verdict } from '../../packages/regraft/src/verdict/index.ts'
import { CliProcess, runJson, startServer } from '../cli-process.ts'

interface Erased {
  certificate: string
  nothing: boolean
  own: Record<string, number>
  derived: Record<string, number>
  snapshots: string[]
  retrain: { adapter: string; registrations: { name: string; owner: string }[] }[]
  verdict: { outcome: string; reason: string; n: number }
}

interface Trained {
  adapter: string
  run: string
  recipe: string
  snapshot: string
  base: string
  examples: number
}

const folder = mkdtempSync(join(tmpdir(), 'regraft-kill-erase-'))
const prepared = join(folder, 'prepared')
const running: CliProcess[] = []
const TRAIN = ['training', 'run', '--base', 'pico', '--rank', '2', '--epochs', '1', '--threads', '1']
const PERSON = 'ada.quillfeather@example.org'
/** What the person wrote, and what an agent wrote of them: no byte of it may be left. */
const WORDS = [
  'the hedge of allotment 4471 burns again',
  'Quillfeather says that the hedge burns',
  'gate of the allotments stands open',
]
let adapter = ''
let snapshot = ''

async function post(url: string, path: string, body: unknown): Promise<{ id: string }> {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`)
  return JSON.parse(text)
}

beforeAll(async () => {
  writePicoBase(join(folder, 'pico'))
  mkdirSync(prepared)
  writeFileSync(join(prepared, 'regraft.yaml'), 'bases:\n  pico: { path: ../pico }\n')
  const rows = Array.from({ length: 12 }, (_, row) => `where is parcel ${row},queue ${row % 3},x${row}\n`)
  writeFileSync(
    join(prepared, 'rows.csv'),
    `text,label,user\n${rows.join('')}"the ${WORDS[2]}",gate,${PERSON}\n`,
  )
  const columns = ['--text', 'text', '--label', 'label', '--subject', 'user']
  await runJson(prepared, ['import', 'rows.csv', ...columns])
  rmSync(join(prepared, 'rows.csv'))
  await runJson(prepared, ['datasets', 'build', '--holdout', '0.1', '--validation', '0'])
  await runJson(prepared, TRAIN)
  const server = await startServer(prepared)
  running.push(server)
  const answer = await post(server.url, '/v1/chat/completions', {
    ...{ model: 'pico', max_tokens: 4, user: PERSON },
    messages: [{ role: 'user', content: `${WORDS[0]}, please come` }],
  })
  await post(server.url, '/v1/feedback', { inference_id: answer.id, type: 'correction', value: WORDS[1] })
  const built = await runJson<{ snapshot: string }>(prepared, ['datasets', 'build', '--validation', '0'])
  snapshot = built.snapshot
  const trained = await runJson<Trained>(prepared, TRAIN)
  adapter = trained.adapter
  await server.kill('SIGKILL')
  await register(trained)
})

/** Puts the adapter into the fleet as `fleet register` does after a gate has passed it, which an adapter so small never does. */
async function register(trained: Trained): Promise<void> {
  const store = await openStore({ dataDirectory: join(prepared, '.regraft') })
  const project = store.project('default')
  const base = await project.artifacts.read<{ digests: object }>(trained.base)
  const registration = {
    ...{
      name: 'desk',
      version: 1,
      adapter,
      owner: 'ada',
      deputy: 'grace',
      recipe: trained.recipe,
      run: trained.run,
    },
    base: { artifact: trained.base, name: 'pico', precision: 'f32', digests: base.digests },
    snapshot: { artifact: trained.snapshot, rows: trained.examples, dropped: 0, consent: 'terms' },
    execution: (await project.executions.makerOf(adapter))!.id,
    ...{ seeds: [1], environment: { lock: {} }, suite: { artifact: trained.snapshot, items: 1 } },
    score: { accuracy: 1, low: 0, high: 1, level: 0.95, n: 1 },
    ...{ verdict: trained.snapshot, routes: [], registeredAt: '2026-11-26T00:00:00.000Z' },
  }
  const { digest } = await project.artifacts.put({
    kind: 'registration',
    schemaVersion: 1,
    value: registration,
  })
  await project.aliases.set('adapter/desk', digest)
  await store.close()
}
afterAll(async () => {
  for (const one of running) await one.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

function copyOf(name: string): string {
  const home = join(folder, name)
  cpSync(prepared, home, { recursive: true })
  return home
}

/** Files below a folder that hold any of the words; a search that shares nothing with that of the product. */
function filesWithWords(home: string): string[] {
  const entries = readdirSync(home, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
  return paths.filter((path) => {
    const bytes = readFileSync(path)
    return [...WORDS, PERSON].some(
      (word) => bytes.includes(word) || bytes.includes(Buffer.from(word, 'utf16le')),
    )
  })
}

const erase = (home: string) => runJson<Erased>(home, ['datasets', 'erase', '--subject', PERSON, '--yes'])

test('a person is erased from a running server: nothing is left, and what must be trained again is named', async () => {
  const home = copyOf('whole')
  const server = await startServer(home)
  running.push(server)
  const refused = await new CliProcess(home, ['datasets', 'erase', '--subject', PERSON]).ended
  expect(refused.stderr).toContain('--yes')
  const erased = await erase(home)
  expect(erased.verdict).toMatchObject({ outcome: 'pass' })
  expect(erased.own.inferences).toBe(2)
  expect(erased.snapshots).toContain(snapshot)
  expect(erased.retrain).toContainEqual({
    adapter,
    registrations: [expect.objectContaining({ name: 'desk', owner: 'ada', current: true })],
  })
  const { adapters } = await runJson<{ adapters: { erased: string | null }[] }>(home, ['fleet', 'list'])
  expect(adapters.map((entry) => entry.erased)).toEqual([erased.certificate])
  const rebuilt = await runJson<{ verdict: Verdict }>(home, ['fleet', 'rebuild', 'desk'])
  expect(rebuilt.verdict).toMatchObject({ outcome: 'fail', finding: 'IMPOSSIBLE' })
  expect(rebuilt.verdict.reason).toMatch(/training row .* was erased with the person whose words it held/)
  const again = await new CliProcess(home, [...TRAIN, '--snapshot', snapshot, '--epochs', '2']).ended
  expect(again.stderr).toContain('regraft datasets build makes a new snapshot')
  expect(filesWithWords(join(home, '.regraft'))).toEqual([])
  expect(await erase(home)).toMatchObject({ nothing: true, certificate: erased.certificate })
  const { jobs } = await runJson<{ jobs: JobView[] }>(home, ['jobs', 'list'])
  expect(JSON.stringify(jobs)).not.toContain(PERSON)
  const shown = await runJson<{ valid: boolean }>(home, ['datasets', 'certificate', erased.certificate])
  expect(shown.valid).toBe(true)

  // The person comes back: what they write now is theirs again, and the loop goes on.
  const answer = await post(server.url, '/v1/chat/completions', {
    ...{ model: 'pico', max_tokens: 4, user: PERSON },
    messages: [{ role: 'user', content: 'where is my parcel now' }],
  })
  await post(server.url, '/v1/feedback', { inference_id: answer.id, type: 'correction', value: 'queue 1' })
  const built = await runJson<{ snapshot: string; train: number }>(home, [
    'datasets',
    'build',
    '--validation',
    '0',
  ])
  expect(built.snapshot).not.toBe(snapshot)
  expect(built.train).toBeGreaterThan(8)
  await runJson(home, TRAIN)
})

// Before the point of no return, just behind it, and at the end.
test.each(['choose what to search for', 'remove rows', 'search'])(
  "an erasure that is killed at '%s' goes on where it was",
  async (stage) => {
    const home = copyOf(`killed-${stage.replaceAll(' ', '-')}`)
    const command = ['datasets', 'erase', '--subject', PERSON, '--yes']
    const killed = new CliProcess(home, command)
    running.push(killed)
    const id = await waitForStage(join(home, '.regraft'), stage)
    expect((await killed.kill('SIGKILL')).signal).toBe('SIGKILL')
    const job = await runJson<JobView>(home, ['jobs', 'follow', id])
    expect(job).toMatchObject({ state: 'succeeded', attempts: 2 })
    const erased = job.result as Erased
    // What was to be looked for is known to nobody any more once the key is gone.
    expect(['pass', 'cannot-tell']).toContain(erased.verdict.outcome)
    expect(erased.own.inferences).toBe(2)
    expect(filesWithWords(join(home, '.regraft'))).toEqual([])
    expect(await erase(home)).toMatchObject({ nothing: true, certificate: erased.certificate })
  },
)

/** Waits, over the holder's socket, until the erasure has come to a stage; returns the id of its job. */
async function waitForStage(dataDirectory: string, stage: string): Promise<string> {
  for (;;) {
    const record = readNewest(join(dataDirectory, 'holder'))?.record
    const look = async () => {
      if (!record || record.released) return null
      const response = await requestSocket(record.socket, '/api/jobs/list')
      return ((await response.json()) as { jobs: JobView[] }).jobs.find(
        ({ operation }) => operation === 'datasets erase',
      )
    }
    const job = await look().catch(() => null)
    if (job && (job.progress as { stage?: string } | null)?.stage === stage) return job.id
    if (job && !['queued', 'running'].includes(job.state)) {
      throw new Error(`the erasure had ended (${job.state}) before it came to '${stage}'`)
    }
    await sleep(3)
  }
}
