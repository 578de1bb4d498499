import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { journaledStore } from '../capture/testing.ts'
import { Config, loadConfig } from '../config/index.ts'
import { inference, NOON } from '../store/spec/fixtures.ts'
import type { ExamplePayload, ProjectStore } from '../store/types.ts'
import { buildOperation } from './build.ts'
import type { SnapshotManifest } from './manifest.ts'
import { piiOperation } from './pii.ts'

const opened = journaledStore()
const folder = mkdtempSync(join(tmpdir(), 'regraft-pii-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const config = Config.parse({ privacy: { names: ['Ada Lovelace'] } })

const contextOf = (project: ProjectStore, more = {}) => opened.contextOf(project, { config, ...more })

const SYSTEM = 'Route it. Our own address is desk@example.com.'

/** Rows with a shared system prompt, each answered badly and then corrected. */
async function traffic(project: ProjectStore, rows: [text: string, response: string, correction: string][]) {
  const inferences = rows.map(([text, response], index) => {
    const row = inference(text)
    const messages = [
      { role: 'system', content: SYSTEM },
      { role: 'user', content: text },
    ]
    return {
      ...row,
      occurredAt: new Date(NOON.getTime() + index),
      payload: { ...row.payload, messages, response },
    }
  })
  await project.inferences.insert(inferences)
  await project.feedback.insert(
    inferences.map(({ id, occurredAt }, index) => ({
      id: id.replace(/^./, 'f'),
      inferenceId: id,
      occurredAt,
      payload: { type: 'correction', value: rows[index]![2], author: null },
    })),
  )
}

const ROWS: [string, string, string][] = [
  ['I am Ada Lovelace, write to ada@example.org', 'I wrote to bob@example.org', 'I wrote to Ada@example.org'],
  ['my card has not come', 'cards', 'parcels'],
  ['is it +44 20 7946 0958?', 'It is ada@example.org.', 'It is bob@example.org.'],
  ['which of the two', 'It is eve@example.org', 'It is mal@example.org'],
  ['who is it then', 'It is +44 20 7946 0958', 'It is +442079460958'],
]

async function build(project: ProjectStore, input: Record<string, unknown>) {
  const given = buildOperation.input.parse({
    validation: 0,
    holdout: 0.01,
    for: 'preferences',
    uncalibrated: true,
    ...input,
  })
  const built = buildOperation.output.parse(await buildOperation.run(contextOf(project), given))
  const manifest = await project.artifacts.read<SnapshotManifest>(built.snapshot)
  const payloads: ExamplePayload[] = []
  for await (const { payload } of project.examples.select({ ids: manifest.rows.map(({ id }) => id) })) {
    payloads.push(payload)
  }
  return { built, manifest, payloads }
}

test('a build masks personal data in prompts and answers, numbered alike within a row', async () => {
  const project = opened.store.project('mask')
  await traffic(project, ROWS)
  const { built, manifest, payloads } = await build(project, {})
  expect(payloads.map(({ messages }) => messages[1]!.content)).toEqual([
    'I am [NAME_1], write to [EMAIL_1]',
    'my card has not come',
    'is it [PHONE_1]?',
    'which of the two',
  ])
  // The product's own system prompt is no personal data: answers are given with it as it is.
  expect(payloads.every(({ messages }) => messages[0]!.content === SYSTEM)).toBe(true)
  expect(payloads[0]).toMatchObject({ chosen: 'I wrote to [EMAIL_1]', rejected: 'I wrote to [EMAIL_2]' })
  expect(payloads[2]).toMatchObject({ chosen: 'It is [EMAIL_1].', rejected: 'It is [EMAIL_2].' })
  expect(built.pii).toEqual({ mode: 'mask', rows: 4, found: { email: 7, name: 1, phone: 3 } })
  expect(manifest.rows.map(({ pii }) => pii)).toEqual([
    ['email', 'name'],
    undefined,
    ['email', 'phone'],
    ['email'],
  ])
  expect(buildOperation.render!(built, { colour: false, width: 80 })).toContain(
    'personal data: 7 email, 1 name, 3 phone; masked in 4 rows',
  )
  // A pair whose answers differ in nothing but how a number is written is none once it is masked.
  expect(built.dropped).toEqual({ 'same-answer': 1 })
  // The list of names is nowhere in clear.
  const execution = await project.executions.makerOf(built.snapshot)
  expect(JSON.stringify(execution!.parameters)).not.toContain('Lovelace')
})

test('a build flags or drops instead when it is told to', async () => {
  const project = opened.store.project('modes')
  await traffic(project, ROWS)
  const flagged = await build(project, { pii: 'flag' })
  expect(flagged.payloads[0]).toMatchObject({ chosen: 'I wrote to Ada@example.org' })
  expect(flagged.manifest.rows.map(({ pii }) => pii?.length ?? 0)).toEqual([2, 0, 2, 1, 1])
  const dropped = await build(project, { pii: 'drop' })
  expect(dropped.built.dropped).toEqual({ 'personal-data': 4 })
  expect(dropped.payloads).toHaveLength(1)
})

test('a list of names may be a file, and one that cannot be read is named', async () => {
  writeFileSync(join(folder, 'names.txt'), '\ufeff# staff\nGrace Hopper\r\n\n')
  writeFileSync(join(folder, 'regraft.yaml'), 'privacy:\n  namesFile: names.txt\n')
  const { config: loaded } = loadConfig({ folder, environment: {} })
  const project = opened.store.project('names')
  const { digest } = await project.blobs.put(Buffer.from('{"text":"from Grace Hopper"}\n'))
  const input = piiOperation.input.parse({ file: { digest, name: 'rows.jsonl' } })
  expect(await piiOperation.run(contextOf(project, { config: loaded }), input)).toMatchObject({
    found: { name: 1 },
  })
  rmSync(join(folder, 'names.txt'))
  await expect(piiOperation.run(contextOf(project, { config: loaded }), input)).rejects.toMatchObject({
    code: 'invalid-config',
    message: expect.stringContaining('names.txt'),
  })
})

test('a plain file is scanned by field, and its copy has masks in their places', async () => {
  const project = opened.store.project('files')
  const lines = [
    { text: 'mail ada@example.org', note: 'ada@example.org', deep: { list: ['call +44 20 7946 0958', 1] } },
    { text: 'nothing', note: '', deep: null },
  ]
  const { digest } = await project.blobs.put(
    Buffer.from(lines.map((line) => JSON.stringify(line)).join('\r\n')),
  )
  const run = async (field: string[]) => {
    const input = piiOperation.input.parse({ file: { digest, name: 'rows.jsonl' }, field })
    const output = piiOperation.output.parse(await piiOperation.run(contextOf(project), input))
    const bytes = Buffer.from(await project.blobs.read(output.out.digest))
    return {
      output,
      rows: bytes
        .toString()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    }
  }
  const all = await run([])
  expect(all.output).toMatchObject({ rows: 2, rowsWithPii: 1, found: { email: 2, phone: 1 } })
  expect(all.rows).toEqual([
    { text: 'mail [EMAIL_1]', note: '[EMAIL_1]', deep: { list: ['call [PHONE_1]', 1] } },
    lines[1],
  ])
  const one = await run(['deep'])
  expect(one.output.listed).toEqual([
    { line: 1, spans: [{ kind: 'phone', field: 'deep.list[0]', start: 5, end: 21, confidence: 0.95 }] },
  ])
  await expect(run(['txt'])).rejects.toMatchObject({
    code: 'invalid-file',
    message: "Line 1 has no field 'txt'.",
  })
})

test('a file that is no JSON Lines names the line', async () => {
  const project = opened.store.project('bad')
  for (const [content, line] of [
    ['{"a":1}\n[1]\n', 2],
    ['{"a":', 1],
    ['\n\n', undefined],
  ] as const) {
    const { digest } = await project.blobs.put(Buffer.from(content))
    const input = piiOperation.input.parse({ file: { digest, name: 'rows.jsonl' } })
    const failure = piiOperation.run(contextOf(project), input)
    await expect(failure).rejects.toMatchObject({
      code: 'invalid-file',
      ...(line ? { details: { line } } : {}),
    })
  }
})
