// The client SDK in a real browser: a page that a product serves, its own backend in front of Regraft, a click.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStore } from '../../packages/regraft/src/store/index.ts'
import { collect } from '../../packages/regraft/src/store/spec/fixtures.ts'
import { type CliProcess, startServer } from '../cli-process.ts'

const CLIENT = join(import.meta.dirname, '../../packages/client/src')
const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium'
const INFERENCES = ['01981f3e-5a30-7cc4-9c2b-2f6d2c1f0a11', '01981f3e-5a30-7cc4-9c2b-2f6d2c1f0a12']
const ARGUMENTS =
  '--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'

const folder = mkdtempSync(join(tmpdir(), 'regraft-browser-'))
let regraft: CliProcess & { url: string }
let product: Server
let productUrl: string
let browser: Browser

beforeAll(async () => {
  writeFileSync(join(folder, 'regraft.yaml'), 'project: default\n')
  regraft = await startServer(folder)
  product = createServer(serveProduct).listen(0, '127.0.0.1')
  await new Promise((resolve) => product.once('listening', resolve))
  productUrl = `http://127.0.0.1:${(product.address() as AddressInfo).port}`
  browser = await chromium.launch({ executablePath: EXECUTABLE, args: ARGUMENTS.split(' ') })
})
afterAll(async () => {
  await browser?.close()
  product?.close()
  await regraft?.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** The page, the client's sources without their types, and `/regraft` forwarded as a backend would. */
function serveProduct(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { pathname } = new URL(incoming.url!, 'http://product')
  if (pathname.startsWith('/regraft/')) {
    const headers = { 'content-type': 'application/json' }
    const target = regraft.url + pathname.slice('/regraft'.length)
    const forwarded = request(target, { method: incoming.method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, { 'content-type': 'application/json' })
      answer.pipe(outgoing)
    })
    incoming.pipe(forwarded)
  } else if (pathname.startsWith('/client/')) {
    const path = join(CLIENT, basename(pathname))
    outgoing.setHeader('content-type', 'text/javascript')
    outgoing.end(existsSync(path) ? stripTypeScriptTypes(readFileSync(path, 'utf8')) : undefined)
  } else {
    outgoing.setHeader('content-type', 'text/html')
    outgoing.end(pathname === '/' ? readFileSync(join(import.meta.dirname, 'page.html')) : undefined)
  }
}

async function clickOn(query: Record<string, string>): Promise<string> {
  const page = await browser.newPage()
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(error.message))
  await page.goto(`${productUrl}/?${new URLSearchParams(query)}`)
  await page.click('#up')
  const result = page.locator('#result')
  await result.filter({ hasText: /./ }).waitFor()
  expect(problems).toEqual([])
  const text = await result.textContent()
  await page.close()
  return text ?? ''
}

test('a click in a browser becomes feedback in the store; another origin reaches nothing', async () => {
  const said = await clickOn({ inference: INFERENCES[0]! })
  expect(said).toMatch(/^stored [0-9a-f-]{36}$/)
  // Without the product's backend in between it would be another origin, to which Regraft answers nothing.
  const across = await clickOn({ inference: INFERENCES[1]!, server: regraft.url })
  expect(across).toContain('RegraftClientError')
  expect(across).toContain('cannot be reached')

  expect((await regraft.kill('SIGTERM')).code).toBe(143)
  const store = await openStore({ dataDirectory: join(folder, '.regraft') })
  const rows = await collect(store.project('default').feedback.select())
  await store.close()
  expect(rows.map(({ inferenceId, payload }) => ({ inferenceId, ...payload }))).toEqual([
    { inferenceId: INFERENCES[0], type: 'thumbs', value: 1, author: 'a person at a browser' },
    { inferenceId: INFERENCES[0], type: 'correction', value: 'naïve 😀', author: null },
  ])
  expect(said).toBe(`stored ${rows[0]!.id}`)
})
