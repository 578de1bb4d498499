import { type CliParts, runCli } from './run-cli.ts'

/** How long a process that is told to end may take for it, in milliseconds. */
const TERMINATION_LIMIT = 10_000
/** Interrupts this close together are the same key press, in milliseconds. */
const SAME_KEY = 300

/** Runs this process as a command line: signals in, exit code out. */
export async function startCli(
  parts: Pick<CliParts, 'operations' | 'localCommands' | 'protocols'>,
): Promise<never> {
  const interruption = new AbortController()
  let interruptedAt = 0
  process.on('SIGINT', () => {
    // One Ctrl-C may come twice: from the terminal and from npx or bin/regraft.js, which pass it on.
    if (interruption.signal.aborted && Date.now() - interruptedAt > SAME_KEY) process.exit(130)
    interruptedAt ||= Date.now()
    interruption.abort()
  })
  // Whoever reads the answer (`| head`) may have seen enough: the work goes on, and the rest of the answer goes nowhere.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
  }
  const terminations: (() => Promise<void>)[] = []
  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(signal, async () => {
      setTimeout(() => process.exit(code), TERMINATION_LIMIT)
      await Promise.allSettled(terminations.map((end) => end()))
      process.exit(code)
    })
  }
  const code = await runCli(process.argv.slice(2), {
    ...parts,
    environment: process.env,
    interrupted: interruption.signal,
    onTermination: (end) => terminations.push(end),
  })
  // Whatever a library has left open must not hold the prompt back; what was printed is written first.
  await Promise.all(
    [process.stdout, process.stderr].map(
      (stream) => new Promise<void>((done) => stream.write('', () => done())),
    ),
  )
  process.exit(code)
}
