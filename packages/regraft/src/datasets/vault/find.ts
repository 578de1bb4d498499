import { isDigest } from '../../store/index.ts'
import type { ProjectStore } from '../../store/types.ts'
import { requireSuite } from '../suite.ts'
import { readSuite, type VaultSuite } from './suite.ts'

const HEX = /^(?:sha256:)?[0-9a-f]{6,64}$/

/** The suite of a name, of a digest, or of the beginning of one. Throws 'not-found'. */
export async function findSuite(store: ProjectStore, wanted: string): Promise<VaultSuite> {
  if (isDigest(wanted)) return await readSuite(store, wanted)
  if (HEX.test(wanted) && (await store.aliases.get(`suite/${wanted}`)) === null) {
    return await readSuite(store, (await store.artifacts.resolve(wanted)).digest)
  }
  return await readSuite(store, (await requireSuite(store, wanted)).digest)
}
