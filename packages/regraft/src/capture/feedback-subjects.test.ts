import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Hono } from 'hono'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { collect } from '../store/spec/fixtures.ts'
import { openTestStore } from '../store/testing.ts'
import type { NewInference, ProjectStore } from '../store/types.ts'
import { feedbackProtocol } from './feedback.ts'
import { InferenceSubjects } from './feedback-subjects.ts'
import { type Journals, openJournals } from './journals.ts'
import { importedPayload } from './parsed-row.ts'

const SECRET = 'my card ends in 4711'
const id = (digit: number) => `017f22e2-79b0-7cc3-98c4-dc0c0c07390${digit}`

let store: Awaited<ReturnType<typeof openTestStore>>
let project: ProjectStore
let journals: Journals

beforeAll(async () => {
  store = await openTestStore()
  project = store.project('default')
  journals = await openJournals(join(store.dataDirectory, 'journal'), { store })
})
afterAll(async () => {
  await journals.close()
  await store.close()
})

function inference(inferenceId: string, subject: string | null): NewInference {
  const known = { messages: [{ role: 'user', content: 'hello' }], response: 'hi', model: 'm' }
  const origin = { digest: 'sha256:0', importedAt: new Date(), task: null }
  return { id: inferenceId, occurredAt: new Date(), subject, payload: importedPayload(origin, 1, known) }
}

async function post(event: object, as: ProjectStore = project, subjects = journals.subjects) {
  const app = new Hono<{ Variables: { principal: unknown; store: ProjectStore } }>()
  app.use(async (context, next) => {
    context.set('principal', { id: 'key', scopes: ['feedback'] })
    context.set('store', as)
    await next()
  })
  const { path, routes } = feedbackProtocol({ journals: { ...journals, subjects } })
  const body = JSON.stringify(event)
  const response = await app.route(path, routes() as never).request('/v1/feedback', { method: 'POST', body })
  expect(response.status).toBe(202)
  return response.text()
}

async function stored(inferenceId: string) {
  await journals.drained('default')
  return collect(project.feedback.select({ inferenceIds: [inferenceId] }))
}

/** Everything that the journal has on disk. */
function journalBytes(): string {
  const folder = join(store.dataDirectory, 'journal', 'default')
  return readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), 'latin1'))
    .join('')
}

test('a subject enters as a keyed hash, and neither it nor the words reach the disk', async () => {
  const receipt = await post({
    inference_id: id(1),
    type: 'comment',
    value: SECRET,
    subject: 'ada@example.org',
  })
  expect(receipt).not.toContain('ada')
  const [row] = await stored(id(1))
  const subject = await project.keys.subjectOf('ada@example.org')
  expect(row).toMatchObject({ subject, payload: { type: 'comment', value: SECRET } })
  expect(journalBytes()).not.toMatch(/ends in 4711|ada@/)
  expect(journalBytes()).toContain(subject)
})

test('without a subject that of the inference counts: while it is on its way, and when only the store knows', async () => {
  const subject = await project.keys.subjectOf('bob')
  await (await journals.of('default')).append({ kind: 'inference', row: inference(id(2), subject) })
  await post({ inference_id: `chatcmpl-${id(2)}`, type: 'edit', value: SECRET })
  await project.inferences.insert([inference(id(3), subject), inference(id(4), null)])
  // Patient, since this is not about how fast the machine is.
  const patient = new InferenceSubjects({ lookupMs: 30_000 })
  await post({ inference_id: id(3), type: 'edit', value: SECRET }, project, patient)
  expect(journalBytes()).not.toContain('ends in 4711')
  expect((await stored(id(2)))[0]).toMatchObject({ subject, payload: { value: SECRET } })
  expect((await stored(id(3)))[0]).toMatchObject({ subject, payload: { value: SECRET } })
  await post({ inference_id: id(4), type: 'copy' })
  expect((await stored(id(4)))[0]).toMatchObject({ subject: null })
  // Erased with the one who gave it.
  await project.keys.destroy(`subject/${subject}`)
  expect(await stored(id(2))).toEqual([])
})

test('a store that does not answer delays feedback once, and never loses it', async () => {
  let asked = 0
  async function* select() {
    asked += 1
    await new Promise(() => {})
    yield* []
  }
  const mute = { projectId: 'default', inferences: { select } } as unknown as ProjectStore
  const subjects = new InferenceSubjects({ lookupMs: 20, pauseMs: 60_000 })
  for (const _ of [1, 2, 3]) await post({ inference_id: id(5), type: 'copy' }, mute, subjects)
  expect(asked).toBe(1)
  expect(await stored(id(5))).toHaveLength(3)
})

test('only the last 20,000 are remembered', async () => {
  const subjects = new InferenceSubjects()
  const empty = { projectId: 'p', inferences: { async *select() {} } } as unknown as ProjectStore
  for (let n = 0; n <= 20_000; n += 1) subjects.note('p', String(n), 's')
  const found = await subjects.find(empty, ['0', '1', '20000'])
  expect([...found.keys()]).toEqual(['1', '20000'])
})
