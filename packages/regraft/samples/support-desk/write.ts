// Writes the sample of one seed: node packages/regraft/samples/support-desk/write.ts <folder> [--seed n]
// traffic.jsonl (OpenAI messages with feedback), evaluation.csv (text,label), heldout.jsonl and manifest.json.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { generateEvaluation, generateHeldout, generateTraffic, type SampleOptions } from './traffic.ts'

/** Writes the four files of a sample into a folder, which is made when it does not exist. */
export async function writeSample(folder: string, options: SampleOptions): Promise<void> {
  const { rows, manifest } = generateTraffic(options)
  const evaluation = generateEvaluation(options)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'traffic.jsonl'), toJsonLines(rows))
  await writeFile(join(folder, 'evaluation.csv'), toCsv(evaluation))
  await writeFile(join(folder, 'heldout.jsonl'), toJsonLines(generateHeldout(options)))
  await writeFile(join(folder, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`)
}

function toJsonLines(records: readonly unknown[]): string {
  return records.map((record) => `${JSON.stringify(record)}\n`).join('')
}

/** RFC 4180 with every text quoted; a quote is doubled, and line ends stay inside the quotes. */
function toCsv(items: readonly { text: string; label: string }[]): string {
  const lines = items.map((item) => `"${item.text.replaceAll('"', '""')}",${item.label}`)
  return `text,label\n${lines.join('\n')}\n`
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: { seed: { type: 'string', default: '1' } },
    allowPositionals: true,
  })
  const folder = positionals[0]
  const seed = Number(values.seed)
  if (folder === undefined || !Number.isSafeInteger(seed)) {
    console.error('usage: node packages/regraft/samples/support-desk/write.ts <folder> [--seed n]')
    process.exit(2)
  }
  await writeSample(folder, { seed })
  console.log(
    `wrote traffic.jsonl, evaluation.csv, heldout.jsonl and manifest.json to ${folder} (seed ${seed})`,
  )
}
