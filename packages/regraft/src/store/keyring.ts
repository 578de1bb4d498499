// Keys that make erasure possible: what a database has written once survives in its files and its log, so the words of
// an end user are stored encrypted, and erasing them destroys the key. The keys therefore never enter the database.
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  randomUUID,
  sign,
} from 'node:crypto'
import { link, mkdir, open, readFile, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { RegraftError } from '../errors/index.ts'
import type { KeyName, Keyring } from './types.ts'

const SECRET_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const ID_BYTES = 8
/** First byte of what is sealed: how it was. Then come the id of the key, the nonce, the ciphertext, and the tag. */
const FORMAT = 1
const HEAD_BYTES = 1 + ID_BYTES + NONCE_BYTES
const KEY_NAME = /^(subject|vault)\/[a-z0-9][a-z0-9-]{0,127}$/
/** Another server may have destroyed a key: what is remembered of it here ends after this many milliseconds. */
const REMEMBERED = 60_000
const MOST_REMEMBERED = 10_000

interface Secrets {
  /** Tells apart what the key sealed from what an earlier key of the same name did, which was destroyed. */
  id: Buffer
  encryption: Buffer
  digest: Buffer
}

/** Keys as files of 32 random bytes in a directory, one file per key. */
export class KeyringFolder implements Keyring {
  readonly #directory: string
  readonly #remembered = new Map<string, { secrets: Promise<Secrets | null>; until: number }>()

  constructor(directory: string) {
    this.#directory = directory
  }

  async subjectOf(id: string): Promise<string> {
    if (id === '') throw new RegraftError('invalid-input', 'the id of a subject is empty')
    const { digest } = await this.#require('subjects')
    return createHmac('sha256', digest).update(id, 'utf8').digest('hex')
  }

  async seal(key: KeyName, bytes: Uint8Array): Promise<Uint8Array> {
    const { id, encryption, digest } = await this.#require(checked(key))
    // Synthetic: two texts never share a nonce, and the same text is sealed the same.
    const nonce = createHmac('sha256', digest).update('nonce').update(bytes).digest().subarray(0, NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', encryption, nonce)
    const sealed = [cipher.update(bytes), cipher.final()]
    return Buffer.concat([Buffer.of(FORMAT), id, nonce, ...sealed, cipher.getAuthTag()])
  }

  async open(key: KeyName, sealed: Uint8Array): Promise<Uint8Array | null> {
    const secrets = await this.#secrets(checked(key), false)
    if (!secrets) return null
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)
    try {
      if (bytes[0] !== FORMAT) throw new Error('unknown format')
      if (!bytes.subarray(1, 1 + ID_BYTES).equals(secrets.id)) return null
      const nonce = bytes.subarray(1 + ID_BYTES, HEAD_BYTES)
      const decipher = createDecipheriv('aes-256-gcm', secrets.encryption, nonce)
      decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES))
      const body = bytes.subarray(HEAD_BYTES, bytes.length - TAG_BYTES)
      return Buffer.concat([decipher.update(body), decipher.final()])
    } catch (cause) {
      throw new RegraftError('digest-mismatch', `What is sealed does not open with the key ${key}`, {
        hint: 'The database was changed from outside, or the keys are not its own: restore both from one backup.',
        cause,
      })
    }
  }

  async digest(key: KeyName, bytes: Uint8Array): Promise<string> {
    const { digest } = await this.#require(checked(key))
    return `sha256:${createHmac('sha256', digest).update(bytes).digest('hex')}`
  }

  async has(key: KeyName): Promise<boolean> {
    return (await this.#secrets(checked(key), false)) !== null
  }

  async destroy(key: KeyName): Promise<boolean> {
    const path = this.#path(checked(key))
    this.#remembered.delete(key)
    try {
      const file = await open(path, 'r+')
      try {
        const { size } = await file.stat()
        await file.write(Buffer.alloc(size), 0, size, 0)
        await file.sync()
      } finally {
        await file.close()
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
      throw error
    }
    await rm(path)
    await syncFolder(dirname(path))
    return true
  }

  async sign(bytes: Uint8Array): Promise<{ publicKey: string; signature: string }> {
    const path = join(this.#directory, 'signing.pem')
    const made = () =>
      generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    const privateKey = createPrivateKey(
      (await readOrMake(path, true, () => Buffer.from(made())))!.toString('utf8'),
    )
    const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }) as string
    return { publicKey, signature: sign(null, bytes, privateKey).toString('base64') }
  }

  async #require(name: string): Promise<Secrets> {
    return (await this.#secrets(name, true))!
  }

  #secrets(name: string, make: boolean): Promise<Secrets | null> {
    const known = this.#remembered.get(name)
    if (known && known.until > Date.now()) return known.secrets
    const secrets = this.#read(name, make)
    const forget = () => {
      if (this.#remembered.get(name)?.secrets === secrets) this.#remembered.delete(name)
    }
    // What is missing may be made in the next moment.
    secrets.then((found) => found ?? forget(), forget)
    const [oldest] = this.#remembered.size < MOST_REMEMBERED ? [] : this.#remembered.keys()
    if (oldest !== undefined) this.#remembered.delete(oldest)
    this.#remembered.set(name, { secrets, until: Date.now() + REMEMBERED })
    return secrets
  }

  async #read(name: string, make: boolean): Promise<Secrets | null> {
    const secret = await readOrMake(this.#path(name), make, () => randomBytes(SECRET_BYTES))
    if (secret === null) return null
    if (secret.length !== SECRET_BYTES || secret.every((byte) => byte === 0)) {
      throw new RegraftError('digest-mismatch', `The key file of ${name} is damaged`, {
        hint: `restore ${this.#directory} from a backup`,
      })
    }
    const derive = (purpose: string) =>
      Buffer.from(hkdfSync('sha256', secret, new Uint8Array(0), `regraft ${purpose}`, SECRET_BYTES))
    const id = derive('id').subarray(0, ID_BYTES)
    return { id, encryption: derive('encryption'), digest: derive('digest') }
  }

  /** Subjects may be millions: their files are spread over folders. */
  #path(name: string): string {
    const [kind, id] = name.split('/') as [string, string?]
    if (id === undefined) return join(this.#directory, `${kind}.key`)
    return kind === 'subject'
      ? join(this.#directory, kind, id.slice(0, 2), `${id}.key`)
      : join(this.#directory, kind, `${id}.key`)
  }
}

function checked(key: KeyName): KeyName {
  if (KEY_NAME.test(key)) return key
  throw new RegraftError('internal', `'${key}' names no key`)
}

/** The bytes of a file; else, when asked, those that are made now, unless another process was faster. */
async function readOrMake(path: string, make: boolean, bytes: () => Buffer): Promise<Buffer | null> {
  const found = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (found !== null || !make) return found
  const folder = dirname(path)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const incoming = join(folder, `.${randomUUID()}`)
  try {
    const file = await open(incoming, 'wx', 0o600)
    try {
      await file.writeFile(bytes())
      await file.sync()
    } finally {
      await file.close()
    }
    await link(incoming, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
    await syncFolder(folder)
  } finally {
    await rm(incoming, { force: true })
  }
  return await readFile(path)
}

/** A key that a power cut takes away takes everything with it that was sealed. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32' || !(await stat(folder)).isDirectory()) return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
