// A report in a real browser: what a model answered to attack its reader is shown as text, nothing is fetched, and the page is
// readable in light, dark, on a phone and for a screen reader.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  contextOf,
  HOSTILE,
  judgedProject,
} from '../../packages/regraft/src/gates/fixtures/judged-project.ts'
import { reportOperation } from '../../packages/regraft/src/gates/report/report.ts'
import { openTestStore } from '../../packages/regraft/src/store/testing.ts'

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium'
const folder = mkdtempSync(join(tmpdir(), 'regraft-report-'))
const path = join(folder, 'report.html')
let store: Awaited<ReturnType<typeof openTestStore>>
let browser: Browser

beforeAll(async () => {
  store = await openTestStore()
  const project = store.project('browser')
  const { verdict } = await judgedProject(project)
  const input = reportOperation.input.parse({ verdict, items: 4, reason: 'to look at it' })
  const { out } = await reportOperation.run(contextOf(project), input)
  writeFileSync(path, out.text)
  browser = await chromium.launch({
    executablePath: EXECUTABLE,
    args: ['--headless=new', '--no-sandbox', '--disable-gpu'],
  })
})
afterAll(async () => {
  await browser?.close()
  await store?.close()
  rmSync(folder, { recursive: true, force: true })
})

async function openPage(
  options: Parameters<Browser['newPage']>[0] = {},
): Promise<{ page: Page; requests: string[] }> {
  const page = await browser.newPage(options)
  const requests: string[] = []
  page.on('request', (request) => requests.push(request.url()))
  await page.goto(pathToFileURL(path).href)
  return { page, requests }
}

test('a hostile answer is text: nothing runs, nothing is fetched', async () => {
  const { page, requests } = await openPage()
  const dialogs: string[] = []
  page.on('dialog', (dialog) => dialogs.push(dialog.message()))
  expect(await page.title()).toBe('FAIL: gate of adapter routing v4')
  expect(await page.locator('script, img, iframe, link').count()).toBe(0)
  const answers = await page.locator('.side .text').allTextContents()
  expect(answers).toContain(HOSTILE)
  expect(requests).toEqual([pathToFileURL(path).href])
  expect(dialogs).toEqual([])
  await page.close()
})

test('plots have names and descriptions, tables have headers, and the outcome is a word', async () => {
  const { page } = await openPage()
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Gate of adapter routing v4')
  const plots = page.getByRole('img')
  expect(await plots.count()).toBe(2)
  expect(
    await page.getByRole('img', { name: 'no worse than incumbent routing v3', exact: true }).count(),
  ).toBe(1)
  expect(await page.locator('svg.plot desc').first().textContent()).toContain(
    'The table has the same figures',
  )
  expect(await page.locator('.summary').textContent()).toContain('✕ FAIL')
  for (const table of await page.locator('table').all())
    expect(await table.locator('th[scope=col]').count()).toBeGreaterThan(1)
  await page.close()
})

test('it fits a phone, and dark is dark', async () => {
  const { page } = await openPage({ viewport: { width: 390, height: 800 }, colorScheme: 'dark' })
  const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor')
  expect(ground).toBe('rgb(20, 23, 26)')
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390)
  await page.close()
  const light = await openPage({ colorScheme: 'light' })
  expect(await light.page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe(
    'rgb(255, 255, 255)',
  )
  await light.page.close()
})
