// Writes the text on which regraft-nano is pre-trained:
//   node scripts/nano/corpus.ts <folder> [--cache folder] [--seed n] [--support-megabytes n]
// train.jsonl and validation.jsonl (one line in a hundred) hold {"messages": [...]} or {"text": "..."} a line;
// corpus.json tells seed, sources, licences, sizes and digests. The same seed gives the same bytes.

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { Random } from '@regraft/methods'
import type { Message } from './corpus-dialogues.ts'
import { type PublicTexts, readPublicTexts, SOURCES } from './corpus-sources.ts'
import { writeConversation } from './corpus-tasks.ts'

/** A document of the corpus with what it is: a task's name, or the source of a text. */
export type CorpusDocument = { kind: string } & ({ messages: Message[] } | { text: string })

/**
 * Mixes generated support conversations with public-domain text, in an order that the seed decides.
 * Characters of messages count towards `supportCharacters`; every text document comes exactly once.
 */
export function* generateCorpus(
  seed: number,
  texts: PublicTexts,
  supportCharacters: number,
): Generator<CorpusDocument> {
  const order = new Random(seed, 'corpus order')
  const writing = new Random(seed, 'corpus conversations')
  const documents = order.shuffle(texts.documents)
  let textLeft = documents.reduce((sum, document) => sum + document.text.length, 0)
  let supportLeft = supportCharacters
  while (textLeft > 0 || supportLeft > 0) {
    if (order.uniform() * (textLeft + supportLeft) < textLeft) {
      const { source, text } = documents.pop()!
      textLeft -= text.length
      yield { kind: source, text }
    } else {
      const { task, messages } = writeConversation(writing, texts.facts)
      supportLeft = Math.max(
        0,
        supportLeft - messages.reduce((sum, message) => sum + message.content.length, 0),
      )
      yield { kind: task, messages }
    }
  }
}

async function writeCorpus(
  folder: string,
  cache: string,
  seed: number,
  supportMegabytes: number,
): Promise<void> {
  const texts = await readPublicTexts(cache)
  await mkdir(folder, { recursive: true })
  const files = ['train.jsonl', 'validation.jsonl'].map((name) => ({
    name,
    stream: createWriteStream(join(folder, name)),
    hash: createHash('sha256'),
    lines: 0,
  }))
  const kinds: Record<string, { documents: number; characters: number }> = {}
  let number = 0
  for (const { kind, ...document } of generateCorpus(seed, texts, supportMegabytes * 1e6)) {
    const characters =
      'text' in document
        ? document.text.length
        : document.messages.reduce((sum, message) => sum + message.content.length, 0)
    kinds[kind] ??= { documents: 0, characters: 0 }
    const count = kinds[kind]
    count.documents++
    count.characters += characters
    const file = files[number++ % 100 === 99 ? 1 : 0]!
    const line = `${JSON.stringify(document)}\n`
    file.hash.update(line)
    file.lines++
    if (!file.stream.write(line)) await once(file.stream, 'drain')
  }
  for (const file of files) {
    file.stream.end()
    await finished(file.stream)
  }
  const report = {
    seed,
    sources: Object.values(SOURCES),
    kinds,
    files: files.map(({ name, hash, lines }) => ({ name, lines, sha256: hash.digest('hex') })),
  }
  await writeFile(join(folder, 'corpus.json'), `${JSON.stringify(report, null, 2)}\n`)
  console.log(JSON.stringify(report, null, 2))
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: {
      cache: { type: 'string' },
      seed: { type: 'string', default: '1' },
      'support-megabytes': { type: 'string', default: '22' },
    },
    allowPositionals: true,
  })
  const folder = positionals[0]
  const seed = Number(values.seed)
  const megabytes = Number(values['support-megabytes'])
  if (folder === undefined || !Number.isSafeInteger(seed) || !(megabytes > 0)) {
    console.error(
      'usage: node scripts/nano/corpus.ts <folder> [--cache folder] [--seed n] [--support-megabytes n]',
    )
    process.exit(2)
  }
  await writeCorpus(folder, values.cache ?? join(folder, 'packages'), seed, megabytes)
}
