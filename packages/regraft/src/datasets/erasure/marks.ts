import type { ProjectStore } from '../../store/types.ts'

const MARK = 'erased/'
const DONE = 'erased-subject/'
const UNDER_WAY = 'erasing-subject/'

/** Certificate of the erasure that took rows from a snapshot, or from what an adapter was trained on; null for none. */
export async function erasureOf(store: ProjectStore, artifact: string): Promise<string | null> {
  return await store.aliases.get(markOf(artifact))
}

/** The same for all artifacts: certificates by the digest of what they concern. */
export async function listErasures(store: ProjectStore): Promise<Map<string, string>> {
  const marks = await store.aliases.list(MARK)
  return new Map(marks.map(({ name, digest }) => [`sha256:${name.slice(MARK.length)}`, digest]))
}

/** Says of artifacts that they hold words of a person who was erased. `by` is the certificate, or its plan until there is one. */
export async function markErased(
  store: ProjectStore,
  artifacts: readonly string[],
  by: string,
): Promise<void> {
  for (const artifact of artifacts) await store.aliases.set(markOf(artifact), by)
}

/** The plan of an erasure that has begun and not ended. */
export async function planUnderWay(store: ProjectStore, subject: string): Promise<string | null> {
  return await store.aliases.get(UNDER_WAY + subject)
}

export async function begin(store: ProjectStore, subject: string, plan: string): Promise<void> {
  await store.aliases.set(UNDER_WAY + subject, plan)
}

export async function end(store: ProjectStore, subject: string, certificate: string): Promise<void> {
  await store.aliases.set(DONE + subject, certificate)
  await store.aliases.remove(UNDER_WAY + subject)
}

/** The certificate of the last erasure of a person. */
export async function lastCertificate(store: ProjectStore, subject: string): Promise<string | null> {
  return await store.aliases.get(DONE + subject)
}

function markOf(artifact: string): string {
  return MARK + artifact.replace(/^sha256:/, '')
}
