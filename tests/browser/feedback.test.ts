// The client SDK in a real browser: a page that a product serves, its own backend in front of Regraft, clicks; the network
// goes, the page is reloaded and left, the server is killed and started again, and every event is stored once.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStore } from '../../packages/regraft/src/store/index.ts'
import { collect } from '../../packages/regraft/src/store/spec/fixtures.ts'
import { type CliProcess, startServer } from '../cli-process.ts'

const CLIENT = join(import.meta.dirname, '../../packages/client/src')
const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium'
const INFERENCES = [1, 2, 3].map((n) => `01981f3e-5a30-7cc4-9c2b-2f6d2c1f0a1${n}`)
const ARGUMENTS =
  '--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'

const folder = mkdtempSync(join(tmpdir(), 'regraft-browser-'))
let regraft: CliProcess & { url: string }
let product: Server
let productUrl: string
let browser: Browser
/** Whether the product's backend reaches Regraft. */
let connected = true
/** Requests that Regraft has answered. */
let forwardedRequests = 0

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
  if (pathname.startsWith('/regraft/') && !connected) {
    incoming.socket.destroy()
  } else if (pathname.startsWith('/regraft/')) {
    const headers = { 'content-type': 'application/json' }
    const target = regraft.url + pathname.slice('/regraft'.length)
    const forwarded = request(target, { method: incoming.method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, { 'content-type': 'application/json' })
      answer.pipe(outgoing)
      forwardedRequests += 1
    })
    forwarded.on('error', () => incoming.socket.destroy())
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

async function openPage(query: Record<string, string>, context?: BrowserContext): Promise<Page> {
  const page = await (context ?? browser).newPage()
  await page.goto(`${productUrl}/?${new URLSearchParams(query)}`)
  await page.waitForFunction('globalThis.regraft !== undefined')
  return page
}

async function click(page: Page): Promise<string> {
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(error.message))
  await page.click('#up')
  const result = page.locator('#result')
  await result.filter({ hasText: /./ }).waitFor()
  expect(problems).toEqual([])
  return (await result.textContent()) ?? ''
}

/** Sends comments from a page without waiting for them. */
const comment = (page: Page, texts: string[]) =>
  page.evaluate(`for (const text of ${JSON.stringify(texts)}) void regraft.comment('${INFERENCES[2]}', text)`)

const waiting = (page: Page) => page.evaluate('localStorage.length')

test('a click in a browser becomes feedback; another origin reaches nothing', async () => {
  const page = await openPage({ inference: INFERENCES[0]! })
  expect(await click(page)).toMatch(/^stored [0-9a-f-]{36}$/)
  expect(await waiting(page)).toBe(0)
  // Without the product's backend in between it would be another origin, to which Regraft answers nothing.
  const context = await browser.newContext()
  const across = await click(await openPage({ inference: INFERENCES[1]!, server: regraft.url }, context))
  expect(across).toMatch(/RegraftClientError: .* cannot be reached \(kept\)/)
  await context.close()
})

test('a lost network and a reload lose nothing', async () => {
  const context = await browser.newContext()
  const page = await openPage({ inference: INFERENCES[2]! }, context)
  await context.setOffline(true)
  await comment(page, ['offline 1', 'offline 2'])
  await expect.poll(() => page.evaluate('regraft.flush()')).toBe(2)
  // Back online it is sent at once, not when the next attempt would be due.
  await context.setOffline(false)
  await expect.poll(() => waiting(page)).toBe(0)

  connected = false
  await comment(page, ['before the reload'])
  await expect.poll(() => page.evaluate('regraft.flush()')).toBe(1)
  await page.reload()
  await page.waitForFunction('globalThis.regraft !== undefined')
  expect(await waiting(page)).toBe(1)
  connected = true
  await expect.poll(() => waiting(page)).toBe(0)
  await context.close()
})

test('a page that is left sends what it has gathered', async () => {
  const context = await browser.newContext()
  const page = await openPage({ 'flush-after': '600000' }, context)
  await comment(page, ['parting word'])
  const before = forwardedRequests
  // No page will see the storage of this context again, so only the request can save it.
  await page.goto('about:blank')
  await expect.poll(() => forwardedRequests).toBe(before + 1)
  await context.close()
})

test('a server that is killed and started again has each event once', async () => {
  const page = await openPage({})
  await comment(page, ['1', '2', '3'])
  await page.evaluate('regraft.flush()')
  const { port } = new URL(regraft.url)
  await comment(page, ['4', '5'])
  await regraft.kill('SIGKILL')
  await comment(page, ['6'])
  expect(await page.evaluate('regraft.flush()')).toBeGreaterThan(0)
  regraft = await startServer(folder, {}, Number(port))
  await comment(page, ['7'])
  await expect.poll(() => waiting(page), { timeout: 30_000 }).toBe(0)
})

test('what the store has in the end', async () => {
  await browser.close()
  expect((await regraft.kill('SIGTERM')).code).toBe(143)
  const store = await openStore({ dataDirectory: join(folder, '.regraft') })
  const rows = await collect(store.project('default').feedback.select())
  await store.close()
  const [first, second, ...comments] = rows.map(({ inferenceId, payload }) => ({ inferenceId, ...payload }))
  expect([first, second]).toEqual([
    { inferenceId: INFERENCES[0], type: 'thumbs', value: 1, author: 'a person at a browser' },
    { inferenceId: INFERENCES[0], type: 'correction', value: 'naïve 😀', author: null },
  ])
  expect(comments.map((event) => 'value' in event && event.value)).toEqual([
    ...['offline 1', 'offline 2', 'before the reload', 'parting word'],
    ...['1', '2', '3', '4', '5', '6', '7'],
  ])
})
