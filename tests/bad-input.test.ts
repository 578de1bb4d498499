// Bad input at the doors of the command line: each gets a message that names the fix, a non-zero exit code, and leaves
// nothing half-written. Port in use, stale locks and second processes are in interfaces/cli/process.test.ts.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writePicoBase } from '../packages/engine/src/formats/pico-base.ts'
import { CliProcess, runJson } from './cli-process.ts'

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'regraft-bad-input-'))
  for (const name of ['good', 'changing', 'cut', 'lying']) writePicoBase(join(folder, name))
  const weights = join(folder, 'cut', 'model.safetensors')
  writeFileSync(weights, readFileSync(weights).subarray(0, 2000))
  writeFileSync(
    join(folder, 'lying', 'model.safetensors'),
    withLyingOffsets(join(folder, 'good', 'model.safetensors')),
  )
  writeFileSync(
    join(folder, 'cut.gguf'),
    Buffer.concat([Buffer.from('GGUF'), Buffer.from([3, 0, 0, 0, 1, 0, 0])]),
  )
  const bases = ['good', 'changing', 'cut', 'lying', 'cut.gguf'].map((name) => `  ${name}: { path: ${name} }`)
  writeFileSync(join(folder, 'regraft.yaml'), ['bases:', ...bases, ''].join('\n'))
  const rows = Array.from({ length: 30 }, (_, i) => `question ${i} about a thing,${i % 2 ? 'bank' : 'shop'}`)
  writeFileSync(join(folder, 'rows.csv'), ['text,label', ...rows, ''].join('\n'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Moves the first tensor's end by four bytes. */
function withLyingOffsets(path: string): Buffer {
  const bytes = readFileSync(path)
  const length = Number(bytes.readBigUInt64LE(0))
  const header = bytes.subarray(8, 8 + length).toString('utf8')
  const lying = header.replace(
    /"data_offsets":\[0,(\d+)\]/,
    (_, end) => `"data_offsets":[0,${Number(end) - 4}]`,
  )
  expect(lying).not.toBe(header)
  const padded = Buffer.alloc(length, ' ')
  padded.write(lying)
  return Buffer.concat([bytes.subarray(0, 8), padded, bytes.subarray(8 + length)])
}

async function refused(args: string[]) {
  const { code, stderr, stdout } = await new CliProcess(folder, args).ended
  expect(code, `exit code of regraft ${args.join(' ')}:\n${stdout}${stderr}`).toBeGreaterThan(0)
  return stderr
}

async function rowCount(): Promise<number> {
  const { train, validation } = await runJson<{ train: number; validation: number }>(folder, [
    'datasets',
    'build',
  ])
  return train + validation
}

test('files with a wrong column, a malformed line or an unstorable row', async () => {
  expect(await refused(['import', 'rows.csv', '--text', 'question', '--label', 'label'])).toMatch(
    /text.*label/s,
  )

  const good = JSON.stringify({
    messages: [
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: 'shop' },
    ],
  })
  writeFileSync(join(folder, 'broken.jsonl'), `${good}\n${good}\n{"messages": [}\n${good}\n`)
  expect(await refused(['import', 'broken.jsonl'])).toMatch(/line 3/i)
  expect(await refused(['datasets', 'build'])).toMatch(/no traffic/)

  const surrogate =
    '{"messages":[{"role":"user","content":"bad \\ud800 one"},{"role":"assistant","content":"shop"}]}'
  const nul =
    '{"messages":[{"role":"user","content":"bad \\u0000 one"},{"role":"assistant","content":"shop"}]}'
  writeFileSync(join(folder, 'mixed.jsonl'), `${surrogate}\n${good}\n${nul}\n`)
  const mixed = await runJson<{ inferences: number; rejected: { line: number }[] }>(folder, [
    'import',
    'mixed.jsonl',
  ])
  expect(mixed.inferences).toBe(1)
  expect(mixed.rejected.map(({ line }) => line)).toEqual([1, 3])

  await runJson(folder, ['import', 'rows.csv', '--text', 'text', '--label', 'label'])
  expect(await rowCount()).toBeGreaterThan(15)
})

test('bases that are cut off, lie about offsets or are not there', async () => {
  expect(await refused(['training', 'run', '--base', 'cut'])).toMatch(/invalid-file.*model\.safetensors/s)
  expect(await refused(['training', 'run', '--base', 'lying'])).toMatch(/invalid-file.*(spans|hole|overlap)/s)
  expect(await refused(['training', 'run', '--base', 'cut.gguf'])).toMatch(/invalid-file.*cut\.gguf/s)
  expect(await refused(['training', 'run', '--base', 'nowhere'])).toMatch(/no base 'nowhere'.*fix: /s)
})

test('a base whose files changed since they were recorded', async () => {
  const run = ['training', 'run', '--base', 'changing', '--epochs', '1', '--rank', '2', '--max-length', '128']
  await runJson(folder, run)
  const weights = join(folder, 'changing', 'model.safetensors')
  const bytes = readFileSync(weights)
  bytes[bytes.length - 2]! ^= 1
  writeFileSync(weights, bytes)
  expect(await refused(run)).toMatch(/digest-mismatch.*weights of base changing changed.*fix: /s)
  expect(await refused(['gates', 'check'])).toMatch(/digest-mismatch.*weights of base changing/s)
})

test('an unknown configuration key is named with the one that was meant', async () => {
  const path = join(folder, 'regraft.yaml')
  const kept = readFileSync(path)
  writeFileSync(path, `${kept}\nserver: { prot: 80, host: 3 }\nowner: {}\n`)
  const message = await refused(['fleet', 'list'])
  writeFileSync(path, kept)
  expect(message).toMatch(/invalid-config/)
  for (const part of ['server.prot', 'port', 'server.host', 'owner']) expect(message).toContain(part)
})

test('an audit needs no configuration, reads only, and leaves an empty directory as empty as it was', async () => {
  const empty = mkdtempSync(join(tmpdir(), 'regraft-empty-'))
  const peft = join(import.meta.dirname, '../bench/golden/pico-adapters/plain')
  const rows = join(folder, 'rows.csv')
  const audit = await runJson<{ verdict: { outcome: string }; facts: { logs: { rows: number } } }>(empty, [
    ...['audit', peft, '--logs', rows, '--eval', rows],
  ])
  expect(audit).toMatchObject({ verdict: { outcome: 'fail' }, facts: { logs: { rows: 30 } } })
  const broken = await new CliProcess(empty, ['audit', folder]).ended
  expect(broken.code).toBe(4)
  expect(broken.stderr).toContain('has no adapter_config.json')
  expect(readdirSync(empty)).toEqual([])
  rmSync(empty, { recursive: true })
})
