import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AnyBase, requireLocalBase } from '../models/index.ts'
import { openTestStore } from '../store/testing.ts'
import {
  type AdoptedRegistration,
  readRegistration,
  requireRegistration,
  requireTrained,
  upcastRegistration,
} from './registration.ts'

let store: Awaited<ReturnType<typeof openTestStore>>
beforeAll(async () => {
  store = await openTestStore()
})
afterAll(() => store.close())

/** As `fleet register` wrote it before there was an origin. */
const FIRST = {
  name: 'desk',
  version: 1,
  adapter: 'sha256:a',
  owner: 'ada',
  deputy: 'grace',
  base: {
    artifact: 'sha256:b',
    name: 'pico',
    precision: 'f32',
    digests: { weights: 'w', tokenizer: 't', chatTemplate: 'c' },
  },
  snapshot: { artifact: 'sha256:s', rows: 3, dropped: 1, consent: 'terms' },
  recipe: 'sha256:r',
  run: 'sha256:u',
  execution: 'e',
  seeds: [1],
  environment: {},
  suite: { artifact: 'sha256:t', items: 9 },
  score: { accuracy: 1, low: 0.7, high: 1, level: 0.95, n: 9 },
  verdict: 'sha256:v',
  routes: [],
  registeredAt: '2026-11-26T00:00:00.000Z',
}

const ADOPTED: AdoptedRegistration = {
  ...{ origin: 'adopted', name: 'found', version: 1, adapter: 'sha256:f', owner: 'ada', deputy: null },
  base: { kind: 'absent', artifact: 'sha256:g', name: 'org/model', revision: null },
  ...{ snapshot: null, recipe: null, run: null, execution: null, suite: null, score: null, verdict: null },
  ...{ seeds: [], environment: {}, routes: [], registeredAt: '2026-11-26T00:00:00.000Z' },
  missing: [{ entry: 'the training rows', fix: 'ask who trained it' }],
}

test('a registration of version 1 is read as one of version 2, and stays as it is', async () => {
  const project = store.project('first')
  const { digest } = await project.artifacts.put({ kind: 'registration', schemaVersion: 1, value: FIRST })
  await project.aliases.set('adapter/desk', digest)
  const read = await readRegistration(project, digest)
  expect(read).toMatchObject({
    ...FIRST,
    origin: 'trained',
    missing: [],
    base: { kind: 'local', revision: null },
  })
  expect(requireTrained(read).recipe).toBe('sha256:r')
  expect(await requireRegistration(project, 'desk')).toEqual({ digest, registration: read })
  expect(await project.artifacts.read(digest)).toEqual(FIRST)
  expect(upcastRegistration(read)).toBe(read)
})

test('what needs a whole record refuses an adopted adapter and says what it lacks', () => {
  expect(upcastRegistration(ADOPTED)).toBe(ADOPTED)
  expect(() => requireTrained(ADOPTED)).toThrow(/found v1 was adopted: its record lacks the training rows/)
})

test('what needs weights refuses a base that is hosted or not here', () => {
  const hosted: AnyBase = {
    name: 'cloud/big',
    format: 'hosted',
    upstream: 'cloud',
    model: 'big',
    fingerprint: 'f',
  }
  expect(() => requireLocalBase(hosted)).toThrow(/cloud\/big is hosted/)
  const absent: AnyBase = { name: 'org/model', format: 'absent', revision: 'abc' }
  expect(() => requireLocalBase(absent)).toThrow(
    expect.objectContaining({
      code: 'incompatible',
      hint: expect.stringContaining('models pull org/model --revision abc'),
    }),
  )
})
