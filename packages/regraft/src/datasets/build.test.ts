import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { importOperation } from '../capture/index.ts'
import { journaledStore } from '../capture/testing.ts'
import { Config } from '../config/index.ts'
import { RegraftError } from '../errors/index.ts'
import { shortDigest } from '../lineage/index.ts'
import { inference, NOON } from '../store/spec/fixtures.ts'
import { buildOperation } from './build.ts'
import type { SnapshotManifest } from './manifest.ts'
import { sealOperation } from './seal.ts'
import { consentOf } from './sources.ts'

const opened = journaledStore()

const LEAK = 'my card was swallowed by the machine at the station and the bank does not answer the telephone'

test('an overlap names the line and the file, or what is known of them, and so does each row', async () => {
  const project = opened.store.project('desk')
  const context = opened.contextOf(project)
  const upload = async (name: string, content: string) => {
    return { digest: (await project.blobs.put(Buffer.from(content))).digest, name }
  }
  const traffic = await upload('traffic.csv', `text,label\nwhere is my card,arrival\n${LEAK},atm\n???,none\n`)
  const columns = { text: 'text', label: 'label' }
  const older = { file: { ...traffic, name: 'tickets.csv' }, ...columns }
  await importOperation.run(context, { ...older, consent: 'by contract', licence: 'CC0-1.0' })
  await importOperation.run(context, { ...older, file: traffic })

  const unnamed = `sha256:${'ab'.repeat(32)}`
  const [served, foreign] = [inference(`${LEAK} today`), inference(`hello ${LEAK}`)]
  foreign.payload.source = { kind: 'import', file: unnamed, line: 1423 }
  await project.inferences.insert([served, foreign])
  await project.feedback.insert(
    [served, foreign].map(({ id }) => ({
      id: id.replace(/^./, 'f'),
      inferenceId: id,
      occurredAt: NOON,
      payload: { type: 'label', value: 'atm', author: null },
    })),
  )
  const evaluation = await upload('evaluation.csv', `text,label\n${LEAK},atm\n`)
  await sealOperation.run(context, { file: evaluation, as: 'desk', ...columns })

  const input = buildOperation.input.parse({ validation: 0 })
  const built = buildOperation.output.parse(await buildOperation.run(context, input))
  expect(new Map(built.overlaps.map(({ place, source }) => [place, source]))).toEqual(
    new Map([
      ['line 3 of traffic.csv', `import:${traffic.digest}:3`],
      [`line 1423 of file ${shortDigest(unnamed)}`, `import:${unnamed}:1423`],
      [`inference ${served.id}`, 'serving'],
    ]),
  )
  expect(buildOperation.render!(built, { colour: false, width: 80 })).toContain(
    'line 3 of traffic.csv repeats item ',
  )
  const { rows, dropped, sources, consent } = await project.artifacts.read<SnapshotManifest>(built.snapshot)
  expect(sources).toEqual([
    { source: `import:${traffic.digest}`, rows: 2, consent: 'by contract', licence: 'CC0-1.0' },
  ])
  expect(consentOf({ consent, sources })).toBe('by contract')
  expect(consentOf({ consent, sources: [...sources!, { ...sources![0]!, consent: null }] })).toBeNull()
  expect(rows.map(({ source }) => source).sort()).toEqual([
    `import:${traffic.digest}:2`,
    `import:${traffic.digest}:4`,
  ])
  expect(dropped.every(({ source }) => source === 'serving' || source.startsWith('import:'))).toBe(true)
})

test('what is sealed can be read nowhere afterwards, and sealing the same file again gives the same suite', async () => {
  const project = opened.store.project('sealing')
  const context = opened.contextOf(project)
  const bytes = Buffer.from(`text,label\n${LEAK},atm\nno label,\n`)
  const input = { as: 'desk', text: 'text', label: 'label' }
  const upload = async () => ({ digest: (await project.blobs.put(bytes)).digest, name: 'evaluation.csv' })
  const file = await upload()
  const first = await sealOperation.run(context, { ...input, file })
  expect(first).toMatchObject({ items: 1, rejected: [{ line: 3, reason: 'has no label' }] })
  expect(await project.blobs.has(file.digest)).toBe(false)
  // A job that was killed after it had removed the file ends as it would have.
  expect(await sealOperation.run(context, { ...input, file })).toEqual(first)
  expect(await sealOperation.run(context, { ...input, file: await upload() })).toEqual(first)
  expect(await project.blobs.has(file.digest)).toBe(false)

  const bad = { digest: (await project.blobs.put(Buffer.from('a,b\n1,2\n'))).digest, name: 'evaluation.csv' }
  await expect(sealOperation.run(context, { ...input, file: bad })).rejects.toThrow(/text/)
  expect(await project.blobs.has(bad.digest)).toBe(false)
  await expect(sealOperation.run(context, { ...input, file: bad })).rejects.toMatchObject({
    code: 'not-found',
  })

  // A process that ends leaves the file to the next one; a person who cancels does not come back for it.
  const ended = (reason: unknown) => ({ ...context, signal: AbortSignal.abort(reason) })
  const other = await upload()
  await sealOperation.run(ended('the process ends'), { ...input, file: other })
  expect(await project.blobs.has(other.digest)).toBe(true)
  await sealOperation.run(ended(new RegraftError('cancelled', 'by a person')), { ...input, file: other })
  expect(await project.blobs.has(other.digest)).toBe(false)
})

test('rows that paraphrase an item are counted, and left out once somebody says from which similarity', async () => {
  const project = opened.store.project('paraphrases')
  const columns = { text: 'text', label: 'label' }
  const context = opened.contextOf(project)
  const upload = async (name: string, lines: string[]) => {
    const content = ['text,label', ...lines].join('\n')
    return { digest: (await project.blobs.put(Buffer.from(content))).digest, name }
  }
  const traffic = await upload('traffic.csv', [
    'I lost my card abroad: how can I get another one?,replacement',
    'where is the nearest cash machine of the bank,atm',
    'the exchange rate that I was given is wrong,rate',
  ])
  await importOperation.run(context, { file: traffic, ...columns })
  const evaluation = await upload('evaluation.csv', [
    'I lost my card abroad and how do I get another one,replacement',
  ])
  await sealOperation.run(context, { file: evaluation, as: 'desk', ...columns })

  const build = async (input: Record<string, unknown>, config: unknown = {}) => {
    const warnings: string[] = []
    const warn = (message: string) => void warnings.push(message)
    const parsed = buildOperation.input.parse({ validation: 0, consent: 'stated', ...input })
    const using = { ...context, config: Config.parse(config), log: { ...context.log, warn } }
    return { ...buildOperation.output.parse(await buildOperation.run(using, parsed)), warnings }
  }
  const dropping = await build({ paraphrase: 0.6 })
  expect(dropping).toMatchObject({ train: 2, dropped: { 'evaluation-paraphrase': 1 }, warnings: [] })
  expect(dropping.overlaps).toMatchObject([{ place: 'line 2 of traffic.csv', rungs: ['paraphrase'] }])
  expect(dropping.paraphrases).toMatchObject([
    { embedder: 'built-in', threshold: 0.6, rows: 1, dropped: true },
  ])
  // The same from the configuration, over which an option wins.
  expect(await build({}, { paraphrase: { threshold: 0.6 } })).toMatchObject({ snapshot: dropping.snapshot })
  expect(await build({ paraphrase: 0.99 }, { paraphrase: { threshold: 0.6 } })).toMatchObject({ train: 3 })
  expect(await build({ embedder: 'none' })).toMatchObject({ train: 3, paraphrases: [], warnings: [] })
  expect(await build({})).toMatchObject({ train: 3, paraphrases: [{ dropped: false }] })
  await expect(build({ embedder: 'other' })).rejects.toMatchObject({ code: 'not-found' })
})

test('an endpoint and a judge are paid once, and the log of the vault says that texts left the house', async () => {
  const project = opened.store.project('outside')
  const context = opened.contextOf(project)
  const upload = async (name: string, lines: string[]) => {
    const content = ['text,label', ...lines].join('\n')
    return { digest: (await project.blobs.put(Buffer.from(content))).digest, name }
  }
  const columns = { text: 'text', label: 'label' }
  const traffic = await upload('traffic.csv', [
    'verloren gegangen: Karte,lost',
    'where is a branch,branch',
    'a card fee,fee',
  ])
  await importOperation.run(context, { file: traffic, ...columns })
  const evaluation = await upload('evaluation.csv', ['my card is lost,lost'])
  await sealOperation.run(context, { file: evaluation, as: 'desk', ...columns })

  const asked: string[] = []
  let isDown = true
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => {
      text += chunk
    })
    request.on('end', () => {
      const body = JSON.parse(text)
      asked.push(...(body.input ?? ['judge']))
      if (isDown && body.messages) return response.writeHead(401).end('no credit')
      const vector = (input: string) => (/card|karte/i.test(input) ? [1, 0.1] : [0, 1])
      const content = body.messages?.[1].content.includes('Karte') ? 'LEAK' : 'DIFFERENT'
      const data = body.input?.map((input: string, index: number) => ({ index, embedding: vector(input) }))
      response.end(JSON.stringify(data ? { data } : { choices: [{ message: { content } }] }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
    const config = Config.parse({
      embedders: { hosted: { url, model: 'e', batch: 2 } },
      paraphrase: { embedder: 'hosted', threshold: 0.9, judge: { url, model: 'j' } },
    })
    const input = buildOperation.input.parse({ validation: 0 })
    const build = () => buildOperation.run({ ...context, config }, input)
    await expect(build()).rejects.toMatchObject({
      ...{ code: 'invalid-config', message: expect.stringContaining('judge') },
      hint: expect.stringContaining('paraphrase.judge'),
    })
    const embedded = () => asked.filter((text) => text !== 'judge')
    expect(embedded()).toHaveLength(4)
    isDown = false
    const built = buildOperation.output.parse(await build())
    expect(built).toMatchObject({ train: 2, dropped: { 'evaluation-paraphrase': 1 } })
    expect(built.paraphrases).toMatchObject([
      { embedder: 'hosted', rows: 1, dropped: true, judged: { leak: 1, different: 1, 'cannot-tell': 0 } },
    ])
    // The vectors of the first attempt were kept.
    expect(embedded()).toHaveLength(4)
    const judged = asked.length
    expect(await build()).toMatchObject({ snapshot: built.snapshot })
    expect(asked).toHaveLength(judged)
    const queries = await project.vault.queries(built.suite.digest)
    expect(
      queries.filter(({ details }) => details.outside).map(({ details }) => details.failed ?? false),
    ).toEqual([true, false, false])
  } finally {
    server.close().closeAllConnections()
  }
})
