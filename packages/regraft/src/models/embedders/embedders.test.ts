import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CosineIndex } from '@regraft/methods'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { Config } from '../../config/index.ts'
import { SealedLedger } from '../../lineage/index.ts'
import { ResponseLedger } from '../../lineage/ledger.ts'
import { openTestStore } from '../../store/testing.ts'
import type { ProjectStore } from '../../store/types.ts'
import { requireEmbedder } from './index.ts'

let store: Awaited<ReturnType<typeof openTestStore>>
let project: ProjectStore
beforeAll(async () => {
  store = await openTestStore()
  project = store.project('embedders')
})
afterAll(async () => await store.close())

type Answer = (
  body: { model: string; input: string[] },
  response: ServerResponse,
  request: IncomingMessage,
) => void
const servers: ReturnType<typeof createServer>[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections()
})

/** An endpoint whose vectors count letters: [a's, b's, 1]. */
async function endpoint(
  answer: Answer = (body, response) => response.end(JSON.stringify(countLetters(body.input))),
) {
  const asked: { input: string[]; authorization: string | undefined }[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => {
      text += chunk
    })
    request.on('end', () => {
      const body = JSON.parse(text)
      asked.push({ input: body.input, authorization: request.headers.authorization })
      answer(body, response, request)
    })
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, asked }
}
function countLetters(input: string[]) {
  const count = (text: string, letter: string) => text.split(letter).length - 1
  const data = input.map((text, index) => ({ index, embedding: [count(text, 'a'), count(text, 'b'), 1] }))
  // The order of an answer is not promised; the index is.
  return { data: data.reverse() }
}

const configOf = (embedders: unknown) => Config.parse({ embedders })
async function openEndpoint(url: string, model: string, more: Record<string, unknown> = {}) {
  const source = await requireEmbedder(configOf({ hosted: { url, model, ...more } }), 'hosted')
  const ledger = new ResponseLedger(project.responses)
  const sealed = new SealedLedger(ledger, project.keys, 'vault/test')
  const embedder = await source.open({ items: [], ledger: sealed, signal: new AbortController().signal })
  return { embedder, counts: () => ledger.counts() }
}

test('the built-in one finds shared spelling and needs nothing', async () => {
  const source = await requireEmbedder(configOf({}), 'built-in')
  expect(source).toMatchObject({
    kind: 'built-in',
    external: false,
    digest: expect.stringMatching(/^sha256:/),
  })
  const items = ['where is my card', 'the parcel is late']
  const embedder = await source.open({
    ...{ items, signal: new AbortController().signal },
    ledger: new SealedLedger(new ResponseLedger(project.responses), project.keys, 'vault/test'),
  })
  const index = new CosineIndex((await embedder.embed(items)).vectors)
  const near = index.nearest(
    (await embedder.embed(['Where is my CARD?', 'parcels come late', 'zzz'])).vectors,
  )
  expect(near.map(([best]) => best!.item)).toEqual([0, 1, 0])
  expect(near[0]![0]!.similarity).toBeGreaterThan(0.8)
  expect(near[2]![0]!.similarity).toBe(0)
})

test('an endpoint is asked once for each text, in batches, with the key; a second run is answered from the ledger', async () => {
  const { url, asked } = await endpoint()
  const first = await openEndpoint(url, 'once', { apiKey: 'secret', batch: 2 })
  const { vectors } = await first.embedder.embed(['aab', 'b', 'aab', 'ab'])
  expect(asked.map(({ input }) => input)).toEqual([['aab', 'b'], ['ab']])
  expect(asked[0]!.authorization).toBe('Bearer secret')
  const norm = Math.hypot(2, 1, 1)
  expect(vectors.kind === 'dense' && [...vectors.values.slice(6, 9)]).toEqual(
    [2, 1, 1].map((value) => expect.closeTo(value / norm, 6)),
  )
  const again = await openEndpoint(url, 'once', { batch: 2 })
  expect((await again.embedder.embed(['ab', 'new', 'b', 'aab'])).vectors).toMatchObject({ dimension: 3 })
  expect(asked.slice(2).map(({ input }) => input)).toEqual([['new']])
  expect(again.counts()).toEqual({ calls: 4, replayed: 3 })
})

test('what came before a failure is kept, and neither text nor vector can be read from the ledger', async () => {
  let failing = false
  const { url, asked } = await endpoint((body, response) => {
    if (failing) response.writeHead(400).end('no such model')
    else response.end(JSON.stringify(countLetters(body.input)))
    failing = true
  })
  const broken = await openEndpoint(url, 'kept', { batch: 1 })
  await expect(broken.embedder.embed(['a', 'aa', 'aaa'])).rejects.toMatchObject({
    ...{ code: 'invalid-config', message: expect.stringContaining('refused with 400: no such model') },
    hint: expect.stringContaining('embedders.hosted'),
  })
  expect(asked).toHaveLength(2)
  failing = false
  const resumed = await openEndpoint(url, 'kept', { batch: 8 })
  await resumed.embedder.embed(['a', 'aa', 'aaa'])
  expect(asked.at(-1)!.input).toEqual(['aa', 'aaa'])
  // The key is what makes kept answers readable.
  await project.keys.destroy('vault/test')
  failing = false
  await (await openEndpoint(url, 'kept', { batch: 8 })).embedder.embed(['a'])
  expect(asked.at(-1)!.input).toEqual(['a'])
})

test('an endpoint that is busy is asked again, one that is down is named', async () => {
  let busy = 2
  const { url, asked } = await endpoint((body, response) => {
    if (busy-- > 0) response.writeHead(429, { 'retry-after': '0' }).end()
    else response.end(JSON.stringify(countLetters(body.input)))
  })
  await (await openEndpoint(url, 'busy')).embedder.embed(['a'])
  expect(asked).toHaveLength(3)
  const down = await endpoint((_, response) => response.writeHead(503, { 'retry-after': '0' }).end())
  await expect((await openEndpoint(down.url, 'down')).embedder.embed(['a'])).rejects.toMatchObject({
    ...{ code: 'unavailable', message: expect.stringContaining('embedder hosted') },
    hint: expect.stringContaining('url, model, apiKey'),
  })
})

test.each([
  ['no list', { embeddings: [] }, 'no list `data`'],
  ['too few', { data: [] }, '0 vectors for 2 texts'],
  ['no numbers', { data: [{ embedding: ['x'] }, { embedding: [1] }] }, 'no list of numbers'],
  [
    'the same index twice',
    {
      data: [
        { index: 0, embedding: [1] },
        { index: 0, embedding: [1] },
      ],
    },
    'no vector with index 1',
  ],
  [
    'other dimensions',
    { data: [{ embedding: [1] }, { embedding: [1, 0] }] },
    'vectors of 1 and of 2 numbers',
  ],
])('an answer is refused by what is wrong with it: %s', async (name, body, problem) => {
  const { url } = await endpoint((_, response) => response.end(JSON.stringify(body)))
  await expect((await openEndpoint(url, name)).embedder.embed(['a', 'b'])).rejects.toMatchObject({
    code: 'incompatible',
    message: expect.stringContaining(problem),
  })
})
