import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { acquire } from './acquire.ts'
import { createGateway, type HolderSocket, openHolderSocket } from './gateway.ts'
import { type HolderRecord, lockFolder, readNewest, takeLock } from './lock.ts'
import { chooseSocketPath, LEAVING_HEADER, probeHolder, requestSocket } from './socket.ts'

const sockets: HolderSocket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) await socket.close()
})

const newFolder = () => lockFolder(mkdtempSync(join(tmpdir(), 'regraft-lock-')))

/** A contender with a socket of its own, as a process would have one. */
async function createContender(folder: string) {
  const gateway = createGateway()
  const socket = await openHolderSocket(folder, gateway, 50)
  sockets.push(socket)
  return { gateway, socket, acquire: () => acquire(folder, async () => socket.record) }
}

/** The lock of a process that is gone. */
function deadRecord(folder: string): HolderRecord {
  const { pid } = spawnSync(process.execPath, ['--version'])
  const socket = join(folder, 'dead.sock')
  return { pid, nonce: 'dead', socket, startedAt: '2026-01-01T00:00:00Z', released: false, url: null }
}

test('of many contenders for a dead lock exactly one wins, and the others find it', async () => {
  const folder = newFolder()
  takeLock(folder, 0, deadRecord(folder))
  const contenders = await Promise.all(Array.from({ length: 20 }, () => createContender(folder)))
  const outcomes = await Promise.all(contenders.map((contender) => contender.acquire()))
  const winners = outcomes.flatMap((outcome, index) => ('lock' in outcome ? [contenders[index]!] : []))
  expect(winners.length).toBe(1)
  for (const outcome of outcomes) {
    if ('holder' in outcome) expect(outcome.holder.nonce).toBe(winners[0]!.socket.record.nonce)
  }
})

test('a contender that was slow to create a generation long gone withdraws', () => {
  const folder = newFolder()
  const record = deadRecord(folder)
  for (const generation of [0, 1, 2, 3])
    expect(takeLock(folder, generation, record)?.generation).toBe(generation + 1)
  expect(readdirSync(folder).sort()).toEqual(['000003.json', '000004.json'])
  expect(takeLock(folder, 1, record)).toBe(null)
  expect(takeLock(folder, 3, record)).toBe(null)
  expect(readdirSync(folder).sort()).toEqual(['000003.json', '000004.json'])
})

test('a released lock is taken at once; one whose holder is leaving is waited for', async () => {
  const folder = newFolder()
  const first = await createContender(folder)
  const second = await createContender(folder)
  const taken = await first.acquire()
  if (!('lock' in taken)) throw new Error('nobody else is there')
  expect(await second.acquire()).toMatchObject({ holder: { nonce: first.socket.record.nonce } })

  first.gateway.leave()
  const waiting = second.acquire()
  expect(await Promise.race([waiting, new Promise((resolve) => setTimeout(resolve, 150, 'waits'))])).toBe(
    'waits',
  )
  taken.lock.update({ released: true })
  expect(await waiting).toMatchObject({ lock: { generation: 2 } })
})

test('a half-written lock file of a crashed process does not lock for ever', async () => {
  const folder = newFolder()
  writeFileSync(join(folder, '000001.json'), '{"pid":')
  const contender = await createContender(folder)
  expect(await contender.acquire()).toMatchObject({ lock: { generation: 2 } })
})

test('a holder whose socket file is removed makes it again', async () => {
  const folder = newFolder()
  const { socket } = await createContender(folder)
  expect(await probeHolder(socket.record)).toBe('alive')
  rmSync(socket.record.socket)
  await expect.poll(() => probeHolder(socket.record)).toBe('alive')
  expect(await probeHolder({ ...socket.record, nonce: 'another' })).toBe('refused')
})

test('requests wait until the app is ready, and one that comes too late is told to go elsewhere', async () => {
  const { gateway, socket } = await createContender(newFolder())
  const early = requestSocket(socket.record.socket, '/early')
  await expect.poll(() => gateway.active).toBe(1)
  gateway.open((request, { access }) => new Response(`${new URL(request.url).pathname} ${access}`))
  expect(await (await early).text()).toBe('/early local')
  gateway.leave()
  const late = await requestSocket(socket.record.socket, '/late')
  expect([late.status, late.headers.has(LEAVING_HEADER)]).toEqual([503, true])
})

test('a data directory with a long path has its socket elsewhere', async () => {
  const folder = join(newFolder(), 'a'.repeat(120))
  mkdirSync(folder)
  expect(chooseSocketPath(folder, 'n'.repeat(16)).length).toBeLessThanOrEqual(100)
  const { socket } = await createContender(folder)
  expect(await probeHolder(socket.record)).toBe('alive')
  expect(readNewest(folder)).toBe(null)
})
