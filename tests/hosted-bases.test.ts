import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Config } from '../packages/regraft/src/config/index.ts'
import { enroll } from '../packages/regraft/src/fleet/enroll.ts'
import { contextOf, makeRecord } from '../packages/regraft/src/fleet/fixtures/fleet.ts'
import { assessFleet } from '../packages/regraft/src/fleet/risk/fleet.ts'
import { runStep } from '../packages/regraft/src/lineage/index.ts'
import { endOfLifeOperation } from '../packages/regraft/src/models/end-of-life.ts'
import { fingerprintOperation } from '../packages/regraft/src/models/fingerprint.ts'
import { takeFingerprint } from '../packages/regraft/src/models/fingerprint-step.ts'
import type { HostedBase } from '../packages/regraft/src/models/index.ts'
import { askForModels, latestModelList } from '../packages/regraft/src/models/model-list.ts'
import { PROBES } from '../packages/regraft/src/models/probes.ts'
import { openTestStore } from '../packages/regraft/src/store/testing.ts'
import { type FakeUpstream, sendJson, startFakeUpstream } from './fake-upstream.ts'

const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)

let store: Awaited<ReturnType<typeof openTestStore>>
let cloud: FakeUpstream
/** What the provider does now. */
let list: (response: ServerResponse) => void
let say: (prompt: string, call: number) => string
let calls = 0

beforeAll(async () => {
  store = await openTestStore()
  cloud = await startFakeUpstream({
    '/v1/models': (response) => list(response),
    large: (response, { messages, temperature }) => {
      if (temperature !== 0) return sendJson(response, 400, { error: 'not at temperature 0' })
      const [{ content }] = messages as [{ content: string }]
      const text = say(content, ++calls)
      if (text === 'broken') return sendJson(response, 500, {})
      sendJson(response, 200, { choices: [{ index: 0, message: { role: 'assistant', content: text } }] })
    },
  })
})
afterAll(async () => {
  await cloud.close()
  await store.close()
})

const models =
  (...data: object[]) =>
  (response: ServerResponse) =>
    sendJson(response, 200, { object: 'list', data })
const configOf = (more: object = {}) =>
  Config.parse({
    upstreams: {
      cloud: { url: cloud.url, models: ['large'], apiKey: 'secret', headers: { 'x-team': 'a' } },
      ...more,
    },
  })

test('dates of the provider are kept with their time, a model that is no longer listed is said to be gone', async () => {
  const project = store.project('list')
  const context = contextOf(project, { config: configOf() })
  list = models(
    { id: 'large', shutdown_date: '2027-01-09' },
    { id: 'small', shutdown_date: null },
    { id: 'other', deprecation: '2027-03-01T10:00:00Z' },
    { id: 'odd', shutdown_date: 'soon' },
  )
  const first = await endOfLifeOperation.run(context, {})
  expect(first.upstreams[0]).toMatchObject({
    ...{ upstream: 'cloud', failure: null, models: 4, gone: [] },
    ending: [
      { model: 'large', endOfLife: '2027-01-09' },
      { model: 'other', endOfLife: '2027-03-01' },
    ],
  })
  const asked = cloud.received.at(-1)!
  expect(asked.headers).toMatchObject({ authorization: 'Bearer secret', 'x-team': 'a' })
  expect(Date.parse((await latestModelList(project, 'cloud'))!.askedAt)).toBeGreaterThan(Date.now() - 60_000)
  list = models({ id: 'small' })
  expect((await endOfLifeOperation.run(context, {})).upstreams[0]).toMatchObject({
    gone: ['large', 'odd', 'other'],
  })
  list = models({ id: 'small' }, { id: 'odd' })
  expect((await endOfLifeOperation.run(context, {})).upstreams[0]).toMatchObject({ gone: ['large', 'other'] })
})

test('a provider that fails keeps its earlier list and takes nothing from the others', async () => {
  const project = store.project('failures')
  const other = await startFakeUpstream({ '/v1/models': (response) => models({ id: 'x' })(response) })
  try {
    const config = configOf({ other: { url: other.url, models: ['x'] } })
    const warnings: string[] = []
    const context = contextOf(project, { config, warnings })
    list = models({ id: 'large' })
    await endOfLifeOperation.run(context, { upstream: 'cloud' })
    const faults: [(response: ServerResponse) => void, RegExp][] = [
      [(response) => sendJson(response, 401, { error: 'who are you' }), /refused with 401/],
      [(response) => sendJson(response, 200, { models: [] }), /no list of models/],
      [(response) => void response.writeHead(200).end('<html>'), /no JSON/],
      // The key is for this host: it is not carried elsewhere.
      [
        (response) => void response.writeHead(302, { location: `${other.url}/models` }).end(),
        /refused with 302/,
      ],
    ]
    for (const [fault, reason] of faults) {
      list = fault
      const output = endOfLifeOperation.output.parse(await endOfLifeOperation.run(context, {}))
      expect(output.upstreams[0]!.failure).toMatch(reason)
      expect(output.upstreams[1]).toMatchObject({ upstream: 'other', failure: null, models: 1 })
      expect(endOfLifeOperation.outcome!(output)).toBe('cannot-tell')
    }
    expect(warnings).toHaveLength(faults.length)
    expect((await latestModelList(project, 'cloud'))!.models).toEqual([{ id: 'large', endOfLife: null }])
    await expect(endOfLifeOperation.run(context, { upstream: 'none' })).rejects.toMatchObject({
      code: 'not-found',
    })

    let attempts = 0
    list = (response) => (++attempts < 3 ? sendJson(response, 503, {}) : models({ id: 'back' })(response))
    const options = {
      config: config.upstreams.cloud!,
      signal: context.signal,
      now: () => new Date(),
      delay: 1,
    }
    const call = { inputs: [], parameters: { upstream: 'cloud' } }
    await runStep({ project }, askForModels(options), call)
    expect(attempts).toBe(3)
    list = (response) => sendJson(response, 503, {})
    await expect(runStep({ project }, askForModels(options), call)).rejects.toMatchObject({
      code: 'unavailable',
    })
  } finally {
    await other.close()
  }
})

test('a hosted base is its answers: noise is no drift, another model behind the name is, and both reach the risk list', async () => {
  const project = store.project('hosted')
  const context = contextOf(project, { config: configOf() })
  const steady = (prompt: string) => `${prompt.length} words about ${prompt.slice(0, 9)}`
  // One probe in twelve varies from call to call, as hosted models do.
  say = (prompt, call) => (PROBES.indexOf(prompt) % 12 === 0 ? `perhaps ${call % 3}` : steady(prompt))
  const fingerprint = () =>
    fingerprintOperation.run(context, fingerprintOperation.input.parse({ model: 'cloud/large' }))
  const first = await fingerprint()
  expect(first.verdict).toBeNull()
  const recorded = await project.artifacts.read<HostedBase>(first.base)
  expect(recorded).toEqual({
    ...{
      name: 'cloud/large',
      format: 'hosted',
      upstream: 'cloud',
      model: 'large',
      fingerprint: first.fingerprint,
    },
  })

  const { format: _, ...base } = recorded
  const trained = await makeRecord(project, { name: 'desk' })
  const record = {
    ...trained,
    origin: 'adopted' as const,
    base: { kind: 'hosted' as const, artifact: first.base, ...base },
  }
  await enroll(contextOf(project), { record, as: 'champion', waiver: null })
  const red = async () => {
    const [member] = await assessFleet(context, { now: new Date() })
    return member!.conditions.flatMap((one) => (one.red ? `${one.condition}: ${one.reason}` : []))
  }
  expect((await fingerprint()).verdict).toMatchObject({ outcome: 'pass', n: 24 })
  expect(await red()).toEqual([])

  say = (prompt, call) => (PROBES.indexOf(prompt) % 2 === 0 ? `I am new ${call % 2}` : steady(prompt))
  const changed = await fingerprint()
  expect(changed).toMatchObject({
    base: first.base,
    verdict: { outcome: 'fail', evidence: [first.fingerprint, changed.fingerprint] },
  })
  expect(changed.verdict!.effect).toBeGreaterThan(0.4)
  expect(await red()).toEqual([
    expect.stringMatching(/^fingerprint: the answers of cloud\/large: 1\d of 24 probes/),
  ])
  const again = await fingerprintOperation.run(context, { model: 'cloud/large', accept: true })
  expect(again.base).not.toBe(first.base)
  expect((await fingerprint()).verdict).toMatchObject({ outcome: 'pass' })

  list = models({ id: 'large', shutdown_date: day(43) })
  await endOfLifeOperation.run(context, {})
  expect((await red())[0]).toMatch(/^end-of-life: cloud: .* 43 days from now, and moving takes 90 days/)
  list = models({ id: 'successor' })
  await endOfLifeOperation.run(context, {})
  expect((await red())[0]).toBe('end-of-life: cloud does not list the base cloud/large any more')
  await expect(fingerprintOperation.run(context, { model: 'large', accept: false })).rejects.toMatchObject({
    hint: expect.stringContaining('configured: cloud'),
  })
})

test('a round that was interrupted goes on where it was, and asks no more after a failure', async () => {
  const project = store.project('interrupted')
  const options = { config: configOf().upstreams.cloud!, now: () => new Date(), delay: 1 }
  const call = { inputs: [], parameters: { upstream: 'cloud', model: 'large', round: 'job 1' } }
  calls = 0
  say = (_, number) => (number > 30 ? 'broken' : 'fine')
  await expect(runStep({ project }, takeFingerprint(options), call)).rejects.toMatchObject({
    code: 'unavailable',
  })
  // 30 that came, then at most five attempts of each of four at once.
  expect(calls).toBeLessThanOrEqual(50)
  calls = 0
  say = () => 'fine'
  const made = await runStep({ project }, takeFingerprint(options), call)
  // The failure of one call may break off at most three others whose answers were on their way.
  const { replayed } = made.execution.environment.ledger as { replayed: number }
  expect(replayed).toBeGreaterThanOrEqual(27)
  expect(made.execution.environment.ledger).toEqual({ calls: 72, replayed })
  expect(calls).toBe(72 - replayed)
})
