import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { v7 as uuidv7 } from 'uuid'
import { expect, test } from 'vitest'
import { journaledStore } from '../capture/testing.ts'
import { Config } from '../config/index.ts'
import { inference } from '../store/spec/fixtures.ts'
import type { ProjectStore } from '../store/types.ts'
import { piecesOf } from './erasure/plan.ts'
import { searchFolder } from './erasure/search.ts'
import { about, erase, OTHER, traffic } from './fixtures/erasure.ts'

const opened = journaledStore()

const contextOf = (project: ProjectStore) =>
  opened.contextOf(project, { config: Config.parse({ dataDirectory: opened.store.dataDirectory }) })

test('the search finds words that are left: in a file, packed, and in the log when nothing was sealed', async () => {
  const project = opened.store.project('bites')
  const subject = await project.keys.subjectOf('user-18')
  const words = 'the combination of the green safe is 41-17-03 since Tuesday'
  const sealed = inference(words, { subject })
  await project.inferences.insert([sealed])
  const plan = {
    own: { inferences: [sealed.id], feedback: [], examples: [] },
    derived: { inferences: [], feedback: [], examples: [] },
  }
  const { signal } = new AbortController()
  const pieces = await piecesOf(project, plan, signal)
  expect(pieces).toMatchObject({ texts: 1, covered: 1, count: 3 })
  const places = async () => {
    await opened.store.sql.executeSql('checkpoint')
    const { finds } = await searchFolder(opened.store.dataDirectory, pieces, { signal })
    return finds.map(({ file, encoding }) => `${file.replace(/\d{8,}$/, '…')} ${encoding}`)
  }
  expect(await places()).toEqual([])
  const planted = join(opened.store.dataDirectory, 'planted')
  mkdirSync(planted)
  writeFileSync(join(planted, 'a.txt'), `before ${words} after`)
  writeFileSync(join(planted, 'b.bin'), Buffer.from(words, 'utf16le'))
  writeFileSync(join(planted, 'c.gz'), gzipSync(words))
  expect(await places()).toEqual(['planted/a.txt UTF-8', 'planted/b.bin UTF-16', 'planted/c.gz UTF-8'])
  rmSync(planted, { recursive: true })
  // The same words by somebody whose subject the product never named are in the clear, and the log of the database tells.
  await project.feedback.insert([about(uuidv7(), `${words}!`)])
  const found = await places()
  expect(found).toContainEqual(expect.stringMatching(/^database\/pg_wal\//))
  expect(found).toContainEqual(expect.stringMatching(/^database\/base\//))
})

test('pieces that other people wrote too are not searched for, and short texts only in quotes', async () => {
  const project = opened.store.project('pieces')
  const subject = await project.keys.subjectOf('user-19')
  const texts = [OTHER, 'Zwölf Äpfel', 'yes', `${OTHER} and my number is 88-zebra-12, do call`]
  const mine = texts.map((text) => inference(text, { subject }))
  await project.inferences.insert([...mine, inference(OTHER), inference('yes')])
  const plan = {
    own: { inferences: mine.map(({ id }) => id), feedback: [], examples: [] },
    derived: { inferences: [], feedback: [], examples: [] },
  }
  const pieces = await piecesOf(project, plan, new AbortController().signal)
  expect(pieces).toMatchObject({ texts: 4, covered: 2 })
  const find = (text: string) => pieces.matcher.find(Buffer.from(text)).length > 0
  expect(find(OTHER)).toBe(false)
  expect(find('"Zwölf Äpfel"')).toBe(true)
  expect(find('"Zw\\u00f6lf \\u00c4pfel"')).toBe(true)
  expect(find('x Zwölf Äpfel y')).toBe(false)
  expect(find('... number is 88-zebra-12, do call ...')).toBe(true)
})

test('an erasure does not begin while a job may be working with the rows', async () => {
  const project = opened.store.project('busy')
  const { subject } = await traffic(project, opened.journals)
  const job = await project.jobs.create({ operation: 'training run', input: {}, principal: 'p' })
  await project.jobs.claim(job.id, 'runner')
  await expect(erase(contextOf(project), { subject: 'user-17' })).rejects.toMatchObject({
    code: 'conflict',
    hint: expect.stringContaining(`regraft jobs cancel ${job.id}`),
  })
  expect(await project.keys.has(`subject/${subject}`)).toBe(true)
})

test('who is to be erased must be said once', async () => {
  const project = opened.store.project('who')
  for (const input of [{}, { subject: 'a', hash: 'a'.repeat(64) }]) {
    await expect(erase(contextOf(project), input)).rejects.toMatchObject({ code: 'invalid-input' })
  }
  expect(await erase(contextOf(project), { subject: 'nobody' })).toMatchObject({
    nothing: true,
    certificate: null,
  })
})
