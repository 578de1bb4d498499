// The embedder of regraft.yaml that is a folder, run on a real ONNX file.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { writePicoEncoder } from '../packages/engine/src/embedding/pico-encoder.ts'
import { Config } from '../packages/regraft/src/config/index.ts'
import type { SealedLedger } from '../packages/regraft/src/lineage/index.ts'
import { requireEmbedder } from '../packages/regraft/src/models/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'regraft-embedders-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
/** A folder asks nobody outside. */
const ledger = null as unknown as SealedLedger

test('an encoder folder is run in a child process; what is wrong with it is named with the embedder', async () => {
  const path = join(folder, 'pico')
  writePicoEncoder(path)
  const config = Config.parse({ embedders: { pico: { path }, gone: { path: join(folder, 'gone') } } })
  const source = await requireEmbedder(config, 'pico')
  const open = () => source.open({ items: [], ledger, signal: new AbortController().signal })
  const embedder = await open()
  const { vectors, truncated } = await embedder.embed(['where is my card', `card ${'card '.repeat(20)}`])
  expect(vectors).toMatchObject({ kind: 'dense', dimension: 8 })
  expect(truncated).toBe(1)
  await embedder.close()
  await expect(requireEmbedder(config, 'gone')).rejects.toMatchObject({
    ...{ code: 'not-found', message: expect.stringContaining('embedder gone') },
    hint: expect.stringContaining('tokenizer.json'),
  })
  await expect(requireEmbedder(config, 'other')).rejects.toMatchObject({
    message: "there is no embedder 'other'; known: built-in, pico, gone",
  })
  writePicoEncoder(path, { words: 'other words' })
  expect((await requireEmbedder(config, 'pico')).digest).not.toBe(source.digest)
  await expect(open()).rejects.toMatchObject({ code: 'digest-mismatch' })
})
