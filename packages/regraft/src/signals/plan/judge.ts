import { z } from 'zod'
import { chunksOf, readLines, rowId } from '../../capture/index.ts'
import { RegraftError } from '../../errors/index.ts'
import { defineOperation, InputFile } from '../../operation/index.ts'
import type { NewFeedback } from '../../store/types.ts'

const Judged = z.looseObject({
  inference: z.uuid(),
  candidate: z.int().min(0),
  signal: z.uuid().nullable(),
  propensity: z.number().gt(0).max(1).optional(),
  judgement: z
    .enum(['right', 'wrong', 'unwelcome'], { error: "expected 'right', 'wrong', 'unwelcome' or null" })
    .nullable(),
})

export const judgeOperation = defineOperation({
  name: 'signals judge',
  effect: 'write',
  scope: 'write',
  mode: 'call',
  summary: 'Take in what people judged: the file of signals plan, filled in',
  input: z.object({
    file: InputFile.describe(
      'JSON Lines as signals plan writes them; lines without a judgement are passed over',
    ),
    author: z.string().min(1).max(512).optional().describe('who judged'),
  }),
  output: z.object({
    judged: z.int().describe('judgements in the file'),
    stored: z.int().describe('of them new ones'),
    open: z.int().describe('lines without a judgement'),
  }),
  positionals: ['file'],
  example: 'regraft signals judge judge.jsonl --author ada',
  async run({ store }, { file, author = null }) {
    const rows: NewFeedback[] = []
    let open = 0
    const now = new Date()
    for await (const { number, bytes } of readLines(chunksOf(await store.blobs.read(file.digest)))) {
      const text = bytes.toString('utf8').trim()
      if (text === '') continue
      const { inference, candidate, signal, propensity, judgement } = parse(text, number)
      if (judgement === null) {
        open++
        continue
      }
      rows.push({
        // The same judgement of the same thing by the same person is stored once.
        id: rowId(new Date(0), ['judgement', inference, candidate, signal, judgement, author]),
        inferenceId: inference,
        occurredAt: now,
        derivedFrom: [inference],
        payload: {
          ...{ type: 'judgement', value: judgement, author, candidate },
          ...(signal === null ? {} : { signal }),
          ...(propensity === undefined ? {} : { propensity }),
        },
      })
    }
    const { inserted } = await store.feedback.insert(rows)
    // The file repeats what end users wrote, in the clear: it must not outlive its reading.
    await store.blobs.remove(file.digest)
    return { judged: rows.length, stored: inserted, open }
  },
})

function parse(text: string, line: number): z.output<typeof Judged> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new RegraftError('invalid-file', `Line ${line} is not JSON: ${(cause as Error).message}`, {
      hint: 'write the file with regraft signals plan --out judge.jsonl, and change only "judgement"',
      details: { line },
      cause,
    })
  }
  const parsed = Judged.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new RegraftError(
    'invalid-file',
    `Line ${line}, ${issue!.path.join('.') || 'row'}: ${issue!.message}`,
    {
      hint: 'write the file with regraft signals plan --out judge.jsonl, and change only "judgement"',
      details: { line },
    },
  )
}
