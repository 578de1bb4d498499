import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { RegraftError } from '../../../errors/index.ts'
import { type CliContext, loadCliConfig } from '../context.ts'
import { createLog } from '../terminal.ts'
import { defineLocalCommand } from './types.ts'

/** How often it is tried again to take a data directory that another command holds, in milliseconds. */
const RETRY = 250
/** A background holder stays this long for whoever started it, in milliseconds. */
const LINGER = 2_000

export const servingUp = defineLocalCommand({
  name: 'serving up',
  summary: 'Serve the HTTP API and the protocols until Ctrl-C',
  input: z.object({
    host: z.string().optional().describe('address to listen on (server.host)'),
    port: z.int().min(0).max(65_535).optional().describe('port, 0 for a free one (server.port)'),
  }),
  positionals: [],
  example: 'regraft serving up --port 7878',
  async run(cli, input) {
    const overrides = Object.entries(input).flatMap(([name, value]) =>
      value === undefined ? [] : [{ path: `server.${name}`, value, option: `--${name}` }],
    )
    const loaded = loadCliConfig(cli, overrides)
    const instance = await takeDirectory(cli, loaded)
    if (!instance) return
    cli.onTermination(() => instance.close())
    try {
      const { url } = await instance.listen(loaded.config.server)
      if (cli.terminal.json) cli.terminal.print(JSON.stringify({ url, pid: process.pid }))
      else cli.terminal.print(`serving on ${url}`)
      await untilEnd(cli.interrupted)
      cli.terminal.note('shutting down; running jobs resume at the next start')
    } finally {
      await instance.close()
    }
  },
})

/** What `--detach` starts: runs the jobs of a data directory and ends when nothing is left to do. */
export const hold = defineLocalCommand({
  name: 'hold',
  summary: 'Run the waiting jobs of the data directory, then end',
  input: z.object({}),
  positionals: [],
  example: 'regraft hold',
  hidden: true,
  async run(cli) {
    const { openInstance } = await import('../../instance.ts')
    const opened = await openInstance({
      ...cli,
      loaded: loadCliConfig(cli),
      log: createLog(cli.terminal, cli.debug),
    })
    if ('holder' in opened) return
    const { instance } = opened
    cli.onTermination(() => instance.close())
    await Promise.race([instance.drain({ quiet: LINGER }), untilEnd(cli.interrupted)])
    await instance.close()
  },
})

async function takeDirectory(cli: CliContext, loaded: ReturnType<typeof loadCliConfig>) {
  const { openInstance } = await import('../../instance.ts')
  for (let told = false; !cli.interrupted.aborted; await sleep(RETRY)) {
    const log = createLog(cli.terminal, cli.debug)
    const opened = await openInstance({ ...cli, loaded, log, runs: 'all', serves: true })
    if ('instance' in opened) return opened.instance
    const { pid, url } = opened.holder
    if (url) {
      throw new RegraftError('conflict', `process ${pid} serves this data directory already, on ${url}`, {
        hint: `use it as it is, or end it with: kill ${pid}`,
      })
    }
    if (!told) cli.terminal.note(`waiting for process ${pid}, which works with this data directory`)
    told = true
  }
  return null
}

function untilEnd(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
