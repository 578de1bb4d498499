// An erasure in one process, with all that it reaches: files, kept answers, exports, snapshots, adapters; its certificate by openssl.
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { journaledStore } from '../../packages/regraft/src/capture/testing.ts'
import { Config } from '../../packages/regraft/src/config/index.ts'
import { buildOperation } from '../../packages/regraft/src/datasets/build.ts'
import { eraseOperation } from '../../packages/regraft/src/datasets/erase.ts'
import { certificateOperation } from '../../packages/regraft/src/datasets/erase-certificate.ts'
import { erasureOf } from '../../packages/regraft/src/datasets/erasure/index.ts'
import { exportOperation } from '../../packages/regraft/src/datasets/export.ts'
import { erase, QUOTED, SECRET, traffic } from '../../packages/regraft/src/datasets/fixtures/erasure.ts'
import type { SnapshotManifest } from '../../packages/regraft/src/datasets/manifest.ts'
import { inference, NOON } from '../../packages/regraft/src/store/spec/fixtures.ts'
import type { ProjectStore } from '../../packages/regraft/src/store/types.ts'

const opened = journaledStore()
const folder = mkdtempSync(join(tmpdir(), 'regraft-erase-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const contextOf = (project: ProjectStore) =>
  opened.contextOf(project, { config: Config.parse({ dataDirectory: opened.store.dataDirectory }) })

test('an erasure takes rows, what was made from them and the files, names what must be trained again, and is certified', async () => {
  const project = opened.store.project('erase')
  const { subject, mine } = await traffic(project, opened.journals)
  // A file with a line of the person, as an import with a column for end users leaves it.
  const line = 'the gate of the allotment has been left open again by the Quillfeathers'
  const file = await project.blobs.put(
    Buffer.from(`text,user\n"${line}",user-17\n"another row, of another person",x\n`),
  )
  const imported = inference(line, { subject })
  imported.payload.source = { kind: 'import', file: file.digest, line: 2 }
  await project.inferences.insert([imported])
  const unused = await project.blobs.put(gzipSync(Buffer.from(`{"a":${JSON.stringify(QUOTED)}}`)))
  await project.responses.put('sha256:judge', 0, Buffer.from(`He says: ${SECRET}`))
  const given = buildOperation.input.parse({ validation: 0, holdout: 0.01 })
  const built = buildOperation.output.parse(await buildOperation.run(contextOf(project), given))
  const { rows } = await project.artifacts.read<SnapshotManifest>(built.snapshot)
  const lost = rows.filter(({ inference: id }) => mine.some((row) => row.id === id))
  expect(lost.length).toBeGreaterThan(0)
  // As a training and a registration leave them.
  const adapter = await project.artifacts.put({ kind: 'adapter', schemaVersion: 1, value: { files: [] } })
  const record = { name: 'desk', version: 3, adapter: adapter.digest, owner: 'ada', deputy: 'grace' }
  const registration = await project.artifacts.put({ kind: 'registration', schemaVersion: 1, value: record })
  await project.aliases.set('adapter/desk', registration.digest)
  await project.executions.record({
    ...{ id: randomUUID(), step: 'training/lora', version: 2, determinism: 'seeded', stepKey: 'k', seed: 1 },
    ...{
      inputs: [{ role: 'snapshot', digest: built.snapshot }],
      outputs: [{ role: 'adapter', digest: adapter.digest }],
    },
    ...{ parameters: {}, environment: {}, startedAt: NOON, finishedAt: NOON },
  })
  const jobFolder = join(opened.store.dataDirectory, 'training', 'interrupted')
  mkdirSync(jobFolder, { recursive: true })
  writeFileSync(
    join(jobFolder, 'train.jsonl'),
    `${JSON.stringify({ messages: [{ role: 'user', content: QUOTED }] })}\n`,
  )

  const asked = exportOperation.input.parse({ snapshot: built.snapshot, format: 'parquet' })
  const exported = exportOperation.output.parse(await exportOperation.run(contextOf(project), asked))

  const planned = await erase(contextOf(project), { subject: 'user-17', dryRun: true })
  expect(planned).toMatchObject({ dryRun: true, certificate: null, snapshots: [built.snapshot] })
  expect(await project.inferences.count({ subject })).toBe(3)

  const erased = await erase(contextOf(project), { subject: 'user-17' })
  expect(erased).toMatchObject({
    ...{ subject, nothing: false, dryRun: false, own: planned.own, derived: planned.derived },
    retrain: [
      { adapter: adapter.digest, registrations: [{ name: 'desk', version: 3, owner: 'ada', current: true }] },
    ],
  })
  expect(erased.own.inferences).toBe(3)
  expect(erased.imports).toEqual([file.digest])
  // The stored copy of an export is packed, so no search would find it; where the file itself went nobody knows.
  expect(await project.blobs.has(exported.out.digest)).toBe(false)
  expect(erased.notCovered).toContainEqual(
    expect.stringMatching(`^the file that local exported: .*, export ${exported.record}$`),
  )
  expect(await project.blobs.has(file.digest)).toBe(false)
  // The agent's correction, although it bears no subject.
  expect(erased.derived.feedback).toBe(1)
  expect(erased.verdict).toMatchObject({ outcome: 'pass' })
  expect(erased.verdict!.n).toBeGreaterThan(4)
  expect(await project.keys.has(`subject/${subject}`)).toBe(false)
  expect(await project.inferences.count({ ids: mine.map(({ id }) => id) })).toBe(0)
  expect(await project.blobs.has(unused.digest)).toBe(false)
  expect(await project.responses.get('sha256:judge', 0)).toBeNull()
  expect(await erasureOf(project, built.snapshot)).toBe(erased.certificate)
  expect(await erasureOf(project, adapter.digest)).toBe(erased.certificate)
  const shown = eraseOperation.render!(erased, { colour: false, width: 80 })
  expect(shown).toContain('desk v3, owner ada, deputy grace')

  const again = buildOperation.output.parse(await buildOperation.run(contextOf(project), given))
  expect(again.snapshot).not.toBe(built.snapshot)
  const second = await erase(contextOf(project), { subject: 'user-17' })
  expect(second).toMatchObject({ nothing: true, certificate: erased.certificate })

  const { digest: certificate } = await project.artifacts.resolve(erased.certificate!)
  const verified = await certificateOperation.run(contextOf(project), { certificate, file: undefined })
  expect(verified).toMatchObject({ valid: true, own: true })
  const logged = await project.audit.list()
  expect(logged.at(-1)).toMatchObject({ action: 'erase', principal: 'local', subject: certificate })
  const text = JSON.stringify([verified, logged])
  for (const word of ['Quillfeather', 'user-17']) expect(text).not.toContain(word)

  // The same by openssl, from the file alone.
  const written = JSON.parse(Buffer.from(await project.blobs.read(verified.out.digest)).toString())
  writeFileSync(join(folder, 'statement'), written.statement)
  writeFileSync(join(folder, 'signature'), Buffer.from(written.value, 'base64'))
  writeFileSync(join(folder, 'key.pem'), written.publicKey)
  const openssl = (statement: string) =>
    execFileSync(
      'openssl',
      [
        'pkeyutl',
        '-verify',
        '-pubin',
        '-inkey',
        'key.pem',
        '-rawin',
        '-in',
        statement,
        '-sigfile',
        'signature',
      ],
      { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    )
  expect(openssl('statement')).toContain('Verified Successfully')
  writeFileSync(join(folder, 'changed'), written.statement.replace('"retrain":[{', '"retrain":[ {'))
  expect(() => openssl('changed')).toThrow()
  const forged = { ...written, statement: written.statement.replace(/"plannedAt":"2/, '"plannedAt":"3') }
  const upload = await project.blobs.put(Buffer.from(JSON.stringify(forged)))
  const input = { file: { digest: upload.digest, name: 'certificate.json' }, certificate: undefined }
  expect(await certificateOperation.run(contextOf(project), input)).toMatchObject({ valid: false, own: true })
})
