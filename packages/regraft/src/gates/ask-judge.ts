import { z } from 'zod'
import { ANSWERS_KEY, type VaultAccess } from '../datasets/index.ts'
import { SealedLedger, type StepRun } from '../lineage/index.ts'
import { askChat, type ChatSettings } from '../models/index.ts'
import { canonicalBytes, digestOf } from '../store/index.ts'
import { type OpenedSuite, openSuite } from './ask-suite.ts'
import type { JudgedBy } from './measurement.ts'

/** A judge reasons in a few sentences before its verdict. */
const MOST_TOKENS = 512
/** Requests under way at once. */
const TOGETHER = 8
/** What a judge is told in addition when its reply could not be read. */
const AGAIN = 'Your reply could not be read. Write the last line exactly as it is asked for.'

/** A judge of regraft.yaml. */
export interface NamedJudge extends ChatSettings {
  /** Its name there. */
  name: string
}

/** `JudgedBy`, as a parameter of a step. */
export const Judged = z.object({ url: z.string(), model: z.string(), prompt: z.string() })

/** What is recorded of a judge: its key is not part of it. */
export function judgedBy({ url, model }: NamedJudge, instruction: string): JudgedBy {
  return { url, model, prompt: digestOf('prompt', 1, canonicalBytes(`${instruction}\n${AGAIN}`)) }
}

/** What a step that asks a judge may use beside its inputs. */
export interface JudgeOptions {
  judge: NamedJudge
  access: VaultAccess
  onProgress?: (done: number, total: number) => void
}

/** A judge that has been told what to do. */
export interface ToldJudge extends JudgeOptions {
  instruction: string
}

/** What may be asked of a judge during a visit to the vault: what it says of each text, null where it cannot be read. */
export type AskAll = <Reading>(
  texts: readonly string[],
  read: (reply: string) => Reading | null,
) => Promise<(Reading | null)[]>

/**
 * Opens the suite of a step, lets `work` ask the judge about its items, and writes into the vault's log that their text left for
 * the judge: also when it fails on the way, and not when all replies had been kept.
 */
export async function visitWithJudge<Result>(
  call: StepRun<{ without?: string[] | undefined }>,
  told: ToldJudge,
  work: (opened: OpenedSuite, askAll: AskAll) => Promise<Result>,
): Promise<Result> {
  const opened = await openSuite(call, told.access, call.parameters.without)
  const { name, url, model } = told.judge
  const log = async (more: Record<string, unknown>) => {
    const { calls, replayed } = call.ledger.counts()
    if (calls === replayed) return
    await opened.vault.log({ ...opened.model, judge: { name, url, model }, outside: true, ...more })
  }
  let result: Result
  try {
    result = await work(opened, (texts, read) => askAll(texts, read, told, call))
  } catch (error) {
    await log({ failed: true })
    throw error
  }
  await log({})
  return result
}

/**
 * Asks about all texts, eight at a time; a reply that cannot be read is asked for once more, then it is null. Replies are
 * kept, sealed: a second run asks only for what is missing. The first failure ends the run.
 */
async function askAll<Reading>(
  texts: readonly string[],
  read: (reply: string) => Reading | null,
  told: ToldJudge,
  call: StepRun<unknown>,
): Promise<(Reading | null)[]> {
  const readings = new Array<Reading | null>(texts.length)
  const waiting = texts.entries()
  let done = 0
  let failed = false
  const askNext = async () => {
    for (const [at, text] of waiting) {
      if (failed) return
      try {
        const { instruction } = told
        const again = `${instruction}\n\n${AGAIN}`
        readings[at] =
          read(await ask(text, instruction, told, call)) ?? read(await ask(text, again, told, call))
      } catch (error) {
        failed = true
        throw error
      }
      told.onProgress?.(++done, texts.length)
    }
  }
  const running = await Promise.allSettled(Array.from({ length: TOGETHER }, askNext))
  const first = running.find((one) => one.status === 'rejected')
  if (first) throw first.reason
  return readings
}

async function ask(
  text: string,
  instruction: string,
  { judge }: ToldJudge,
  { ledger, project, signal }: StepRun<unknown>,
): Promise<string> {
  signal.throwIfAborted()
  const { url, model, name } = judge
  const kept = new SealedLedger(ledger, project.keys, ANSWERS_KEY)
  const reply = await kept.call({ kind: 'judgement', url, model, instruction, text }, async () => {
    const options = { what: `the judge ${name}`, setting: `judges.${name}`, maxTokens: MOST_TOKENS, signal }
    return new TextEncoder().encode(await askChat(judge, { instruction, text }, options))
  })
  return new TextDecoder().decode(reply)
}
