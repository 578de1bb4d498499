import { z } from 'zod'
import { type ImportedFile, type Reading, recordFile } from '../capture/index.ts'
import { RegraftError } from '../errors/index.ts'
import { runStep, shortDigest } from '../lineage/index.ts'
import { defineOperation, InputFile } from '../operation/index.ts'
import type { Artifact, ProjectStore } from '../store/types.ts'
import { nameSuite } from './suite.ts'
import { sealSuite } from './suite-steps.ts'
import { readSuite } from './vault/index.ts'

const SealInput = z.object({
  file: InputFile.describe('CSV with a header line, or JSON Lines of OpenAI messages'),
  as: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/, 'expected lower-case letters, digits and dashes')
    .describe('name of the suite'),
  text: z.string().optional().describe('CSV column with what the user wrote'),
  label: z.string().optional().describe('CSV column with the right answer'),
  system: z.string().optional().describe("system prompt of every CSV row; else the task's of the same name"),
  subject: z
    .string()
    .optional()
    .describe('column or field with the end user: erasing them makes their items unreadable'),
  slice: z
    .array(
      z.string().regex(/^[\p{L}\p{N}][\p{L}\p{N} _.-]{0,63}$/u, 'expected the name of a column or field'),
    )
    .optional()
    .describe('column or field whose words results are broken down by, such as channel; stays in the clear'),
  choices: z
    .string()
    .min(1)
    .optional()
    .describe('column or field with the answers to choose from: a JSON array, or with | between them'),
})

/** Labelled rows become a sealed evaluation suite: `datasets build` keeps them out of training. */
export const sealOperation = defineOperation({
  name: 'datasets seal',
  effect: 'write',
  scope: 'write',
  mode: 'job',
  summary: 'Seal labelled rows as an evaluation suite that training never sees',
  input: SealInput,
  output: z.object({
    name: z.string(),
    suite: z.string().describe('digest of the suite'),
    items: z.int(),
    rejected: z.array(z.object({ line: z.int(), reason: z.string() })),
  }),
  positionals: ['file'],
  example: 'regraft datasets seal evaluation.csv --as routing --text text --label label',
  render({ name, suite, items, rejected }) {
    const lines = [`sealed ${items} items as '${name}'  suite ${shortDigest(suite)}`]
    for (const { line, reason } of rejected) lines.push(`  line ${line} left out: ${reason}`)
    return lines.join('\n')
  },
  async run({ store, config, progress, signal }, input) {
    refuseSealedSlices(input)
    const { digest: blob, name: fileName } = input.file
    try {
      const file = await fileOf(store, blob)
      const reading = readingOf(input, fileName.endsWith('.jsonl'), config.tasks[input.as]?.system)
      const report = (done: unknown) => progress({ stage: 'read', done: Number(done), unit: 'rows' })
      const sealed = await runStep({ project: store, signal, report }, sealSuite, {
        inputs: [{ role: 'file', digest: file.digest }],
        parameters: {
          ...{ name: input.as, reading },
          ...(input.slice?.length ? { slices: [...new Set(input.slice)] } : {}),
          ...(input.choices === undefined ? {} : { choices: input.choices }),
        },
      })
      const digest = sealed.digest('suite')
      await nameSuite(store, input.as, digest)
      const { items, leftOut } = await readSuite(store, digest)
      return { name: input.as, suite: digest, items: items.length, rejected: leftOut }
    } finally {
      // What was uploaded is readable: it must not outlive the sealing, also when that fails or is cancelled.
      if (!willResume(signal)) await store.blobs.remove(blob)
    }
  },
})

/** What is sealed, or names a person, must not stand in the clear as a slice. */
function refuseSealedSlices({ slice = [], text, label, subject, choices }: z.output<typeof SealInput>): void {
  const sealed = [text, label, subject, choices, 'messages']
  const bad = slice.find((name) => sealed.includes(name))
  if (bad === undefined) return
  throw new RegraftError(
    'invalid-input',
    `${bad} cannot be a slice: it is sealed, and slices stay in the clear`,
    {
      hint: 'name columns such as the channel or the language with --slice',
    },
  )
}

/** Whether the process ends, and the next one takes up the job: it needs the file. */
function willResume({ aborted, reason }: AbortSignal): boolean {
  return aborted && !(reason instanceof RegraftError && reason.code === 'cancelled')
}

/** The artifact of an uploaded file; that of an earlier sealing, which a resumed job finds without its bytes. */
async function fileOf(store: ProjectStore, blob: string): Promise<Artifact> {
  if (await store.blobs.has(blob)) {
    const bytes = await store.blobs.read(blob)
    return await recordFile(store, blob, bytes.byteLength)
  }
  for (const file of await store.artifacts.find('file', { digest: blob })) {
    if ((await store.artifacts.read<ImportedFile>(file.digest)).path === 'import') return file
  }
  throw new RegraftError(
    'not-found',
    `the file ${blob} is not there: an evaluation file is removed once sealed`,
    {
      hint: 'upload it again: regraft datasets seal evaluation.csv --as <name> …',
    },
  )
}

function readingOf(
  input: z.output<typeof SealInput>,
  isJsonl: boolean,
  taskSystem: string | undefined,
): Reading {
  const { text = null, label = null, system, subject } = input
  if (!isJsonl && (text === null || label === null)) {
    throw new RegraftError('invalid-input', 'a CSV file needs --text and --label', {
      hint: 'regraft datasets seal evaluation.csv --as routing --text text --label label',
    })
  }
  const common = { time: null, task: null, ...(subject === undefined ? {} : { subject }) }
  if (isJsonl) return { ...common, format: 'jsonl', text: null, label: null, system: null }
  return { ...common, format: 'csv', text, label, system: system ?? (taskSystem || null) }
}
