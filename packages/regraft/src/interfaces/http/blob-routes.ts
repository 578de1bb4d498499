import { createReadStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { Hono } from 'hono'
import { type Config, makeWorkFolder } from '../../config/index.ts'
import { RegraftError } from '../../errors/index.ts'
import { requireScope } from './authorize.ts'
import type { AppEnv } from './context.ts'

/** Uploads and downloads of files by digest; both stream. */
export function blobRoutes(config: Config): Hono<AppEnv> {
  const routes = new Hono<AppEnv>()

  routes.post('/api/blobs', requireScope('write'), async (context) => {
    const body = context.req.raw.body
    return context.json(await context.var.store.blobs.put(body ?? new Uint8Array()), 201)
  })

  routes.get('/api/blobs/:digest', requireScope('read'), async (context) => {
    const digest = context.req.param('digest')
    if (!/^sha256:[0-9a-f]{64}$/.test(digest)) {
      throw new RegraftError('invalid-input', `'${digest}' is not sha256: and 64 hexadecimal digits`)
    }
    // Copied first so that the digest is checked before the first byte leaves.
    const folder = await makeWorkFolder(config, 'blob')
    const remove = () => rm(folder, { recursive: true, force: true })
    try {
      const path = join(folder, 'blob')
      await context.var.store.blobs.copyTo(digest, path)
      const { size } = await stat(path)
      const file = createReadStream(path)
      file.on('close', remove)
      return context.body(Readable.toWeb(file) as ReadableStream, 200, {
        'content-type': 'application/octet-stream',
        'content-length': String(size),
        etag: `"${digest}"`,
      })
    } catch (error) {
      await remove()
      throw error
    }
  })
  return routes
}
