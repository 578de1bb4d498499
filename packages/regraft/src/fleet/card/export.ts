import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { RegraftError } from '../../errors/index.ts'
import { defineOperation, LocalPath, requireLocal } from '../../operation/index.ts'
import { gatherCardFacts } from './card-facts.ts'
import { mlBom } from './ml-bom.ts'
import { modelCard } from './model-card.ts'
import { signBom } from './sign-bom.ts'

const CARD = 'README.md'
/** An adopted folder's own card is kept under this name. */
const FOREIGN_CARD = 'README.adopted.md'
const BOM = 'bom.cdx.json'

/** A registered version leaves as the folder that PEFT, transformers, vLLM and others load. */
export const exportOperation = defineOperation({
  name: 'fleet export',
  effect: 'write',
  scope: 'write',
  mode: 'call',
  summary: 'Write a registered adapter as a PEFT folder, with its model card and bill of materials',
  input: z.object({
    reference: z.string().describe('name, name@candidate or name@version'),
    out: LocalPath.describe('folder to write; it must not be there yet, or be empty'),
  }),
  output: z.object({
    name: z.string(),
    version: z.int(),
    folder: z.string(),
    files: z.array(z.string()),
  }),
  positionals: ['reference'],
  example: 'regraft fleet export routing --out ./routing-adapter',
  render: ({ name, version, folder, files }) => `${name} v${version} in ${folder}: ${files.join(', ')}`,
  async run(context, { reference, out }) {
    requireLocal(context, 'regraft fleet export')
    const { store } = context
    const facts = await gatherCardFacts(context, reference)
    const folder = resolve(out)
    await requireEmpty(folder)
    const bom = await signBom(store, mlBom(facts))
    const unfinished = join(dirname(folder), `.${basename(folder)}.${process.pid}.unfinished`)
    await rm(unfinished, { recursive: true, force: true })
    try {
      await mkdir(unfinished, { recursive: true })
      for (const { path, digest } of facts.files) {
        if (basename(path) !== path) throw new RegraftError('invalid-file', `${path} is no name of a file`)
        await store.blobs.copyTo(digest, join(unfinished, path === CARD ? FOREIGN_CARD : path))
      }
      await writeFile(join(unfinished, CARD), modelCard(facts))
      await writeFile(join(unfinished, BOM), `${JSON.stringify(bom, null, 2)}\n`)
      // An empty folder may be there; renaming over it is atomic.
      await rename(unfinished, folder)
    } catch (error) {
      await rm(unfinished, { recursive: true, force: true })
      throw error
    }
    const { name, version } = facts.registration
    return { name, version, folder, files: (await readdir(folder)).sort() }
  },
})

async function requireEmpty(folder: string): Promise<void> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw new RegraftError('invalid-input', `${folder} is not a folder`, {
      details: { param: 'out' },
      cause: error,
    })
  })
  if (entries.length === 0) return
  throw new RegraftError('invalid-input', `${folder} is not empty`, {
    hint: 'name a folder that is not there yet: nothing is overwritten',
    details: { param: 'out' },
  })
}
