import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Config } from '../config/schema.ts'
import { closure, makeSelection } from '../lineage/index.ts'
import type { OperationContext, ProgressEvent } from '../operation/index.ts'
import {
  type FeedbackRow,
  type InferenceRow,
  openStore,
  type ProjectStore,
  type Store,
} from '../store/index.ts'
import { importOperation } from './import.ts'
import { openJournals } from './journals.ts'
import { inferenceIdOf } from './row-ids.ts'

let folder: string
let store: Store
let projects = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'regraft-import-'))
  store = await openStore({ dataDirectory: folder })
})
afterAll(async () => {
  await store.close()
  await rm(folder, { recursive: true })
})

interface Desk {
  project: ProjectStore
  warnings: string[]
  progress: ProgressEvent[]
  context: OperationContext
  importFile(name: string, content: string | Buffer, options?: object): ReturnType<typeof importOperation.run>
}

/** A project of its own, with a task in its configuration. */
function newDesk(): Desk {
  projects += 1
  const project = store.project(`desk-${projects}`)
  const warnings: string[] = []
  const progress: ProgressEvent[] = []
  const log = { debug() {}, info() {}, warn: (message: string) => warnings.push(message), error() {} }
  const context: OperationContext = {
    store: project,
    principal: { id: 'local', scopes: ['admin'] },
    config: Config.parse({ tasks: { routing: { system: 'Route the ticket.', label: 'category' } } }),
    signal: new AbortController().signal,
    progress: (event) => progress.push(event),
    log,
    services: {} as OperationContext['services'],
    jobId: null,
    attempt: 1,
  }
  return {
    project,
    warnings,
    progress,
    context,
    async importFile(name, content, options = {}) {
      const { digest } = await project.blobs.put(Buffer.from(content))
      return await importOperation.run(context, { file: { digest, name }, ...options })
    },
  }
}

async function rowsOf(project: ProjectStore) {
  const inferences: InferenceRow[] = []
  const feedback: FeedbackRow[] = []
  for await (const row of project.inferences.select()) inferences.push(row)
  for await (const row of project.feedback.select()) feedback.push(row)
  return { inferences, feedback }
}

const columns = { text: 'text', label: 'category' }

test('a labelled CSV becomes inferences with labels, and the same file again adds nothing', async () => {
  const { project, importFile, progress } = newDesk()
  const csv = 'text,category\nWhere is my card?,card_arrival\n"I lost it,\nhelp",lost_card\nhm,\n'
  const first = await importFile('tickets.csv', csv, columns)
  expect(first).toMatchObject({
    format: 'csv',
    rows: 3,
    inferences: 3,
    feedback: 2,
    duplicates: 0,
    rejected: [],
  })
  expect(progress.at(-1)).toMatchObject({ stage: 'store', done: 3, total: 3, unit: 'rows' })

  const { inferences, feedback } = await rowsOf(project)
  const byText = new Map(inferences.map((row) => [row.payload.messages[0]?.content, row.id]))
  expect([...byText.keys()].sort()).toEqual(['I lost it,\nhelp', 'Where is my card?', 'hm'])
  expect(feedback.map(({ inferenceId, payload }) => [inferenceId, payload])).toEqual(
    expect.arrayContaining([
      [byText.get('Where is my card?'), { type: 'label', value: 'card_arrival', author: null }],
      [byText.get('I lost it,\nhelp'), { type: 'label', value: 'lost_card', author: null }],
    ]),
  )

  const again = await importFile('renamed.csv', csv, columns)
  expect(again).toMatchObject({ file: first.file, rows: 3, inferences: 0, feedback: 0, duplicates: 3 })
  expect(await rowsOf(project)).toEqual({ inferences, feedback })
})

test('labels can be added to a file that was imported without them', async () => {
  const { project, importFile } = newDesk()
  const csv = 'text,category\nWhere is my card?,card_arrival\n'
  await importFile('tickets.csv', csv, { text: 'text' })
  expect(await importFile('tickets.csv', csv, columns)).toMatchObject({ duplicates: 1, feedback: 1 })
  const { inferences, feedback } = await rowsOf(project)
  expect(feedback[0]?.inferenceId).toBe(inferences[0]?.id)
})

test('a task gives its system prompt, its label column and its name as the route', async () => {
  const { project, importFile } = newDesk()
  await importFile('tickets.csv', 'text,category\nhi,greeting\n', { text: 'text', task: 'routing' })
  const { inferences, feedback } = await rowsOf(project)
  expect(inferences[0]?.payload).toMatchObject({
    route: 'routing',
    messages: [{ role: 'system', content: 'Route the ticket.' }, { content: 'hi' }],
  })
  expect(feedback).toHaveLength(1)
  expect(await importFile('traffic.csv', 'text\nhi\n', { text: 'text', task: 'routing' })).toMatchObject({
    feedback: 0,
  })
})

test('overlapping exports store a call once, and feedback by HTTP finds it by its foreign id', async () => {
  const { project, importFile } = newDesk()
  const line = (number: number) =>
    JSON.stringify({
      id: `chatcmpl-${number}`,
      created: 1740837900 + number,
      model: 'desk-v1',
      messages: [
        { role: 'user', content: `ticket ${number}` },
        { role: 'assistant', content: 'card_arrival' },
      ],
      feedback: [{ type: 'thumbs', value: 1 }],
    })
  const january = await importFile('a.jsonl', [1, 2, 3].map(line).join('\n'))
  expect(january).toMatchObject({ format: 'jsonl', inferences: 3, feedback: 3 })
  const february = await importFile('b.jsonl', [2, 3, 4].map(line).join('\n'))
  expect(february).toMatchObject({ rows: 3, inferences: 1, feedback: 1, duplicates: 2 })

  const journals = await openJournals(join(folder, 'journal'), { store })
  const journal = await journals.of(project.projectId)
  const inferenceId = inferenceIdOf('chatcmpl-4')
  await journal.append({
    kind: 'feedback',
    row: {
      id: inferenceIdOf('event'),
      inferenceId,
      occurredAt: new Date(),
      payload: { type: 'accept', author: null },
    },
  })
  await journal.drained()
  await journals.close()
  const { inferences, feedback } = await rowsOf(project)
  const fourth = inferences.find((row) => row.payload.messages[0]?.content === 'ticket 4')
  expect(feedback.filter((row) => row.inferenceId === fourth?.id).map((row) => row.payload.type)).toEqual([
    'thumbs',
    'accept',
  ])
})

test('rows with NUL, a lone surrogate or no text are reported with their line, the others are stored', async () => {
  const { project, importFile, warnings } = newDesk()
  const line = (content: string) => `{"messages":[{"role":"user","content":"${content}"}]}`
  const output = await importFile('x.jsonl', ['a', '\\ud800', 'b', '\\u0000', 'c'].map(line).join('\n'))
  expect(output).toMatchObject({ rows: 5, inferences: 3, rejectedRows: 2 })
  expect(output.rejected.map((row) => row.line)).toEqual([2, 4])
  expect(warnings).toEqual(['2 of 5 rows of x.jsonl were not imported'])
  expect(
    importOperation.render!(importOperation.output.parse(output), { colour: false, width: 80 }),
  ).toContain('NOT imported: 2 rows of 5:\n  line 2 messages[0] contains a lone surrogate')
  expect((await rowsOf(project)).inferences).toHaveLength(3)
})

test('a mistake on the last of many lines leaves nothing behind', async () => {
  const { project, importFile } = newDesk()
  const good = '{"messages":[{"role":"user","content":"hi"}]}\n'
  await expect(importFile('x.jsonl', `${good.repeat(5000)}{"messages": oops}\n`)).rejects.toMatchObject({
    code: 'invalid-file',
    message: 'Line 5001, column 14: expected a value.',
  })
  await expect(importFile('x.csv', `text,category\n${'a,b\n'.repeat(5000)}a,b,c\n`, columns)).rejects.toThrow(
    'Line 5002: 3 fields, but the header has 2 columns.',
  )
  expect(await rowsOf(project)).toEqual({ inferences: [], feedback: [] })
  expect(await project.artifacts.list()).toEqual([])
})

test.each([
  [
    'x.csv',
    'text,category\na,b\n',
    { text: 'body' },
    'There is no column "body"; the columns are: text, category.',
  ],
  ['x.csv', 'text,category\na,b\n', {}, 'Say which column holds the text; the columns are: text, category.'],
  ['x.csv', 'text\n', { text: 'text' }, 'The file has no rows.'],
  ['x.csv', 'text,n\n ,1\n,2\n', { text: 'text' }, 'None of the 2 rows can be imported; line 2 has no text.'],
  [
    'x.csv',
    'text\na\n',
    { text: 'text', task: 'billing' },
    'There is no task "billing"; there are: routing.',
  ],
  ['x.txt', 'text\na\n', {}, 'The name x.txt does not say whether it is CSV, JSON, JSON Lines or Parquet.'],
  ['x.csv', 'text,user\na,\n', { text: 'text', subject: 'user' }, 'No row has a value under "user".'],
  [
    'x.csv',
    'text\na\n',
    { text: 'text', subject: 'user' },
    'There is no column "user"; the columns are: text.',
  ],
  [
    'x.jsonl',
    '{"messages":[{"role":"user","content":"a"}]}',
    { subject: 'who' },
    'No row has a value under "who".',
  ],
  ['x.json', '[{"messages": [1]}]', {}, 'Item 1, messages[0]'],
  ['x.json', '[{"messages"}]', {}, "Line 1, column 13: expected ':' after a property name."],
  ['x.parquet', 'text\na\n', {}, 'The Parquet file cannot be read'],
  [
    'x.jsonl',
    '{}',
    { text: 'text' },
    '--text is for tables (CSV, Parquet); JSON Lines name their own fields.',
  ],
])('%s holding %j with %j is refused', async (name, content, options, message) => {
  await expect(newDesk().importFile(name, content, options)).rejects.toThrow(message)
})

test('an aborted import stops between batches and the next one adds what is missing', async () => {
  const { project, importFile, progress, context } = newDesk()
  const csv = `text\n${Array.from({ length: 2100 }, (_, number) => `ticket ${number}\n`).join('')}`
  const controller = new AbortController()
  context.signal = controller.signal
  context.progress = ({ stage }) => {
    if (stage === 'store') controller.abort(new Error('stopped'))
  }
  await expect(importFile('x.csv', csv, { text: 'text' })).rejects.toThrow('stopped')
  expect(await project.inferences.count()).toBe(2000)
  context.signal = new AbortController().signal
  context.progress = (event) => progress.push(event)
  expect(await importFile('x.csv', csv, { text: 'text' })).toMatchObject({
    inferences: 100,
    duplicates: 2000,
  })
  expect(progress.map(({ stage, done }) => [stage, done])).toEqual([
    ['check', 2000],
    ['store', 2000],
    ['store', 2100],
  ])
})

test('an import is an execution from its file and the traffic before to the traffic after', async () => {
  const { project, importFile } = newDesk()
  const first = await importFile('a.csv', 'text\nsomething else\n', { text: 'text' })
  const second = await importFile('b.csv', 'text,category\na,b\n ,c\nd,e\n', columns)
  const [execution] = await project.executions.consuming(second.file)
  expect(execution).toMatchObject({
    step: 'import',
    determinism: 'external',
    parameters: { format: 'csv', text: 'text', label: 'category', task: null },
  })
  const made = new Map(execution!.outputs.map(({ role, digest }) => [role, digest]))
  const { artifact, selection } = await makeSelection(project, 'inferences')
  expect([made.get('inferences'), selection.count]).toEqual([artifact.digest, 3])
  expect(await project.artifacts.read(made.get('report')!)).toMatchObject({
    measure: 'import',
    rejected: [{ line: 3, reason: 'has no text' }],
  })
  const { artifacts } = await closure(project, artifact.digest)
  expect(artifacts.map(({ digest }) => digest)).toEqual(expect.arrayContaining([first.file, second.file]))
})

const conversation = (user: string, content: string) => ({
  conversations: [
    { from: 'human', value: content },
    { from: 'gpt', value: 'card_arrival' },
  ],
  customer: user,
})

test('words of end users are stored under their keys, the file says so, and their ids are nowhere', async () => {
  const { project, importFile } = newDesk()
  const file = JSON.stringify([
    conversation('zelda-17', 'my card is late'),
    conversation('', 'a general question'),
  ])
  const options = { subject: 'customer', consent: 'terms, section 4', licence: 'CC BY 4.0' }
  const output = await importFile('chats.json', file, options)
  expect(output).toMatchObject({
    format: 'sharegpt',
    rows: 2,
    inferences: 2,
    feedback: 2,
    subjects: 1,
    unit: 'item',
  })
  const subject = await project.keys.subjectOf('zelda-17')
  const { inferences, feedback } = await rowsOf(project)
  expect(inferences.map((row) => [row.subject, row.payload.messages[0]?.content]).sort()).toEqual(
    [
      [subject, 'my card is late'],
      [null, 'a general question'],
    ].sort(),
  )
  expect(feedback.map((row) => row.subject).sort()).toEqual([subject, null].sort())
  const [execution] = await project.executions.consuming(output.file)
  expect(execution!.parameters).toMatchObject({ ...options, subjects: true, layout: 'document' })
  expect(JSON.stringify([inferences, feedback, execution])).not.toContain('zelda')
  expect(await importFile('chats.json', file, options)).toMatchObject({
    inferences: 0,
    feedback: 0,
    duplicates: 2,
  })

  await project.keys.destroy(`subject/${subject}`)
  const left = await rowsOf(project)
  expect(left.inferences.map((row) => row.payload.messages[0]?.content)).toEqual(['a general question'])
  expect(left.feedback).toHaveLength(1)
})

test('a row names what it was written from', async () => {
  const { project, importFile } = newDesk()
  const id = '01981f3e-5a30-7cc4-9c2b-000000000001'
  await importFile('x.csv', `text,from\na,\nb,${id}\n`, { text: 'text', derivedFrom: 'from' })
  const { inferences } = await rowsOf(project)
  const derived = inferences.map((row) => [row.payload.messages[0]?.content, row.derivedFrom])
  expect(derived.sort()).toEqual([
    ['a', []],
    ['b', [id]],
  ])
})

test('a table of Parquet is read by the columns that the options name, or by what its own columns say', async () => {
  const { project, importFile } = newDesk()
  const table = (columns: Record<string, unknown[]>) => {
    const columnData = Object.entries(columns).map(([name, data]) => ({ name, data }))
    return Buffer.from(parquetWriteBuffer({ columnData }))
  }
  const tickets = table({ body: ['a', 'b'], category: ['x', 'y'] })
  expect(await importFile('t.parquet', tickets, { text: 'body', task: 'routing' })).toMatchObject({
    ...{ format: 'parquet', unit: 'row', inferences: 2, feedback: 2 },
  })
  await expect(importFile('t.parquet', tickets)).rejects.toThrow('Say which column holds the text')
  const pairs = table({ prompt: ['p'], chosen: ['good'], rejected: ['bad'] })
  expect(await importFile('pairs.parquet', pairs)).toMatchObject({ inferences: 1, feedback: 1 })
  await expect(importFile('pairs.parquet', pairs, { label: 'chosen' })).rejects.toThrow(
    'these columns name their own fields',
  )
  const { feedback } = await rowsOf(project)
  expect(feedback.map(({ payload }) => payload)).toEqual(
    expect.arrayContaining([
      { type: 'label', value: 'x', author: null },
      { type: 'correction', value: 'good', author: null },
    ]),
  )
})

test('what a file says of itself is told from its content', async () => {
  const { importFile } = newDesk()
  const lines = (...values: object[]) => values.map((value) => JSON.stringify(value)).join('\n')
  const pair = { prompt: 'p', chosen: 'a', rejected: 'b' }
  const cases: [string, string, string][] = [
    ['a.jsonl', lines(pair), 'trl'],
    ['a.json', lines(pair, { ...pair, prompt: 'q' }), 'trl'],
    ['b.json', JSON.stringify([{ ...pair, prompt: 'r' }], null, 2), 'trl'],
    ['c.json', JSON.stringify({ data: [{ ...pair, prompt: 's' }] }, null, 2), 'trl'],
    ['d.jsonl', lines({ instruction: 'i', output: 'o' }), 'alpaca'],
    ['e.jsonl', lines(conversation('x', 'y')), 'sharegpt'],
    ['no-name', lines({ messages: [{ role: 'user', content: 'a' }] }), 'jsonl'],
  ]
  for (const [name, content, format] of cases) {
    expect([name, (await importFile(name, content)).format]).toEqual([name, format])
  }
})
