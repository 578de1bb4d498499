import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { defineStep } from '../../lineage/index.ts'
import { ADAPTER_FILES, type AdapterRecord, storeAdapterFiles, WAIVABLE } from '../../models/index.ts'

/** What else of a foreign folder is kept, where it is there: for people and for an export. Nothing pickled. */
const KEPT = ['README.md', 'added_tokens.json', 'special_tokens_map.json'] as const

/** The files of a PEFT folder that an adoption keeps. */
export function adoptedFiles(folder: string): string[] {
  const { needed, compared } = ADAPTER_FILES
  const beside = [...compared, ...KEPT].filter((name) => existsSync(join(folder, name)))
  return [...needed, ...beside].sort()
}

/** Takes an adapter in that somebody else trained on the base (role `base`): external, as it comes from outside. */
export function adoptStep(folder: string) {
  return defineStep({
    name: 'fleet/adopt',
    version: 1,
    determinism: 'external',
    input: z.strictObject({ waived: z.array(z.enum(WAIVABLE)) }),
    async run({ inputs, parameters: { waived }, blobs }) {
      const value: AdapterRecord = {
        ...{ base: inputs[0]!.digest, recipe: null, snapshot: null },
        files: await storeAdapterFiles(blobs, folder, adoptedFiles(folder)),
        ...(waived.length > 0 ? { waived } : {}),
      }
      return [{ role: 'adapter', kind: 'adapter', schemaVersion: 1, value }]
    },
  })
}
