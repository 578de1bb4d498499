// The whole loop on sample traffic, one stage after the other, by the commands that anybody would type: nothing here
// has a way of its own into the store.
import { cpSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { writeSample } from '../../../samples/support-desk/write.ts'
import { CONFIG_FILE } from '../../config/index.ts'
import { RegraftError } from '../../errors/index.ts'
import { BUNDLED_PATH } from '../../models/index.ts'
import { readCommand, runCommand, startServer } from './commands.ts'
import { type HeldOutTicket, type RoutedTicket, routeTickets, sendFeedback } from './route-tickets.ts'

const SYSTEM_PROMPT = 'Route the ticket to a queue.'
/** Present in folders that a demo made, so that no other folder is ever replaced. */
const MARKER = '.regraft-demo'

/** Base weights lie in the demo's own folder, so that the last stage can take them away. */
const CONFIGURATION = `
tasks:
  routing:
    system: ${SYSTEM_PROMPT}
    evaluation: routing
    consent: generated sample, nobody's words
bases:
  nano:
    path: base
owners:
  owner: ada@example.com
  deputy: grace@example.com
`

export interface DemoOptions {
  folder: string
  seed: number
  print(text: string): void
  /** Highlights a heading. */
  heading(text: string): string
}

/** Runs the demo in a folder, which is replaced when an earlier demo made it. */
export async function runDemo({ folder, seed, print, heading }: DemoOptions): Promise<void> {
  const started = performance.now()
  await prepareFolder(folder)
  const stage = (title: string) => {
    const seconds = ((performance.now() - started) / 1000).toFixed(0)
    print(`\n${heading(title)}  (after ${seconds} s)`)
  }
  const type = async (...words: string[]) => {
    print(`$ regraft ${words.map(quote).join(' ')}`)
    await runCommand(folder, words)
  }

  stage('1. Sample traffic: a support desk whose tickets go to twelve queues')
  await writeSample(folder, { seed })
  print(
    '60 days of tickets with the answers of an earlier model, corrections, thumbs and edits: traffic.jsonl',
  )
  await type('init')
  await appendFile(join(folder, CONFIG_FILE), CONFIGURATION)
  print(`(added to ${CONFIG_FILE}: the task, the base and who answers for it)`)
  cpSync(BUNDLED_PATH, join(folder, 'base'), { recursive: true })
  await type('import', 'traffic.jsonl', '--task', 'routing')

  stage('2. A sealed evaluation set, and a snapshot that is clean of it')
  await type('datasets', 'seal', 'evaluation.csv', '--as', 'routing', '--text', 'text', '--label', 'label')
  await type('datasets', 'build', '--task', 'routing')

  stage('3. Training on this machine, without a GPU or Python')
  await type(
    'training',
    'run',
    '--base',
    'nano',
    '--epochs',
    '3',
    '--learning-rate',
    '0.004',
    '--seed',
    String(seed),
  )

  stage('4. The gate: is the adapter better than its base, on items that it never saw?')
  await type('gates', 'check')
  await type('fleet', 'register', 'routing')
  await type('fleet', 'list')

  stage('5. Served like OpenAI, called with the official SDK')
  const routed = await serveAndRoute(folder, print)
  print('What was just said is traffic now, and its feedback is data:')
  await type('datasets', 'build', '--task', 'routing')

  stage('6. The rebuild drill: from the record alone, in isolation')
  await type('fleet', 'rebuild', 'routing')

  stage('7. An accident: the weights of the base are deleted')
  const weights = join(folder, 'base', 'model.safetensors')
  renameSync(weights, `${weights}.away`)
  try {
    print(`$ rm ${relative(folder, weights)}`)
    await type('fleet', 'rebuild', 'routing')
  } finally {
    renameSync(`${weights}.away`, weights)
  }
  print('(put back)')

  const { adapters } = (await readCommand(folder, ['fleet', 'list'])) as {
    adapters: {
      adapter: string
      accuracy: number
      low: number
      high: number
      n: number
      trainingRows: number
    }[]
  }
  const { adapter, accuracy, low, high, n, trainingRows } = adapters[0]!
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`
  const right = routed.filter(({ answer, label }) => answer.trim() === label).length
  stage('Done')
  print(
    [
      `trained on ${trainingRows} rows of traffic, right on ${percent(accuracy)} [${percent(low)}, ${percent(high)}] of ${n} sealed items,`,
      `routed ${right} of ${routed.length} live tickets to the right queue, rebuilt to the same bytes: adapter`,
      `${adapter}`,
      '',
      `Everything is in ${folder}. There you can go on:`,
      '  npx regraft lineage show adapter/routing   where the adapter comes from',
      '  npx regraft serving up                     serve it on port 7878',
      'Or start with data of your own, in a folder of your own:',
      '  npx regraft init',
      '  npx regraft import tickets.csv --text text --label category',
      '  npx regraft datasets build --consent "…"',
      '  npx regraft training run',
      '  npx regraft gates check',
      '  npx regraft fleet register tickets --owner you --deputy someone-else',
      '  npx regraft serving up',
    ].join('\n'),
  )
}

async function serveAndRoute(folder: string, print: (text: string) => void): Promise<RoutedTicket[]> {
  print('$ regraft serving up --port 0')
  const server = await startServer(folder)
  try {
    print(`serving on ${server.url}: ten tickets that nobody has seen, through the official openai SDK`)
    const lines = readFileSync(join(folder, 'heldout.jsonl'), 'utf8').trim().split('\n')
    const tickets = lines.map((line) => JSON.parse(line) as HeldOutTicket)
    const routed = await routeTickets(server.url, 'routing', SYSTEM_PROMPT, tickets)
    for (const { text, answer, label } of routed) {
      const shown = text.replace(/\s+/g, ' ')
      const verdict = answer.trim() === label ? 'right' : `wrong, should be ${label}`
      print(
        `  ${answer.trim().padEnd(15)} ${verdict.padEnd(32)} ${shown.length > 60 ? `${shown.slice(0, 59)}…` : shown}`,
      )
    }
    await sendFeedback(server.url, routed)
    print(
      `feedback recorded for ${routed.length} answers (POST /v1/feedback): accepted where right, corrected where wrong`,
    )
    return routed
  } finally {
    await server.stop()
  }
}

async function prepareFolder(folder: string): Promise<void> {
  if (existsSync(folder)) {
    if (!existsSync(join(folder, MARKER))) {
      throw new RegraftError('conflict', `${folder} exists and is not a demo's`, {
        hint: `choose another: regraft demo other-folder`,
      })
    }
    rmSync(folder, { recursive: true })
  }
  await mkdir(folder, { recursive: true })
  await writeFile(
    join(folder, MARKER),
    `made by \`regraft demo ${basename(folder)}\`, which may replace it\n`,
  )
}

function quote(word: string): string {
  return /^[\w./:-]+$/.test(word) ? word : `"${word}"`
}
