import { verify } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { KeyringFolder } from './keyring.ts'

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'regraft-keys-'))
  folders.push(folder)
  return folder
}

const text = Buffer.from('my card was swallowed')

test('what is sealed opens again, in another process too, and the same text is sealed the same', async () => {
  const folder = newFolder()
  const keys = new KeyringFolder(folder)
  const sealed = await keys.seal('vault/routing', text)
  expect(Buffer.from(sealed).includes(text)).toBe(false)
  const other = new KeyringFolder(folder)
  expect(await other.open('vault/routing', sealed)).toEqual(text)
  expect(await other.seal('vault/routing', text)).toEqual(sealed)
  expect(await other.digest('vault/routing', text)).toBe(await keys.digest('vault/routing', text))
})

test('keys of other names and other projects give other bytes', async () => {
  const keys = new KeyringFolder(newFolder())
  const sealed = await keys.seal('vault/a', text)
  expect(await keys.seal('vault/b', text)).not.toEqual(sealed)
  expect(await keys.open('vault/b', sealed)).toBeNull()
  const elsewhere = new KeyringFolder(newFolder())
  expect(await elsewhere.subjectOf('user-1')).not.toBe(await keys.subjectOf('user-1'))
})

test('two processes that make one key at once agree on it', async () => {
  const folder = newFolder()
  const rings = Array.from({ length: 8 }, () => new KeyringFolder(folder))
  const sealed = await Promise.all(rings.map((keys) => keys.seal('vault/routing', text)))
  for (const other of sealed) expect(other).toEqual(sealed[0])
  expect(readdirSync(join(folder, 'vault'))).toEqual(['routing.key'])
})

test('a destroyed key opens nothing, and a later one is another key', async () => {
  const keys = new KeyringFolder(newFolder())
  const subject = await keys.subjectOf('user-1')
  const sealed = await keys.seal(`subject/${subject}`, text)
  expect(await keys.destroy(`subject/${subject}`)).toBe(true)
  expect(await keys.has(`subject/${subject}`)).toBe(false)
  expect(await keys.open(`subject/${subject}`, sealed)).toBeNull()
  expect(await keys.seal(`subject/${subject}`, text)).not.toEqual(sealed)
  // The user goes on using the product: what they wrote before stays gone, and is no damage.
  expect(await keys.open(`subject/${subject}`, sealed)).toBeNull()
})

test('changed bytes and a damaged key file are told, not read', async () => {
  const folder = newFolder()
  const keys = new KeyringFolder(folder)
  const sealed = Buffer.from(await keys.seal('vault/a', text))
  sealed[30]! ^= 1
  await expect(keys.open('vault/a', sealed)).rejects.toMatchObject({ code: 'digest-mismatch' })
  writeFileSync(join(folder, 'vault', 'a.key'), readFileSync(join(folder, 'vault', 'a.key')).subarray(1))
  await expect(new KeyringFolder(folder).seal('vault/a', text)).rejects.toMatchObject({
    code: 'digest-mismatch',
  })
})

test('signatures verify with the public key that comes with them', async () => {
  const folder = newFolder()
  const { publicKey, signature } = await new KeyringFolder(folder).sign(text)
  expect(verify(null, text, publicKey, Buffer.from(signature, 'base64'))).toBe(true)
  expect(verify(null, Buffer.from('another text'), publicKey, Buffer.from(signature, 'base64'))).toBe(false)
  expect((await new KeyringFolder(folder).sign(text)).publicKey).toBe(publicKey)
})
