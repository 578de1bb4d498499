import { makeCanaries } from '@regraft/methods'
import { rowId } from '../capture/index.ts'
import type { NewExample, ProjectStore } from '../store/types.ts'
import type { SnapshotManifest } from './manifest.ts'

const PAGE = 500

/** Canaries of a snapshot as examples, each so many times; they derive from nothing and bear the time of `occurredAt`. */
export function canaryExamples(
  { count, repeats }: { count: number; repeats: number },
  seed: number,
  occurredAt: Date,
): NewExample[] {
  return makeCanaries(count, seed).flatMap(({ prompt, secret }) =>
    Array.from({ length: repeats }, (_, repeat) => ({
      id: rowId(occurredAt, ['canary', seed, prompt, secret, repeat]),
      occurredAt,
      derivedFrom: [],
      payload: {
        messages: [{ role: 'user', content: prompt }],
        completion: secret,
        signal: 'canary' as const,
      },
    })),
  )
}

/** The canaries that a snapshot trains on, each once. */
export async function canariesOf(
  project: ProjectStore,
  manifest: SnapshotManifest,
): Promise<{ prompt: string; secret: string }[]> {
  const ids = manifest.rows.filter(({ origin }) => origin === 'canary').map(({ id }) => id)
  const canaries = new Map<string, { prompt: string; secret: string }>()
  for (let start = 0; start < ids.length; start += PAGE) {
    for await (const { payload } of project.examples.select({ ids: ids.slice(start, start + PAGE) })) {
      if (payload.kind !== undefined) continue
      const prompt = payload.messages[0]!.content
      canaries.set(prompt, { prompt, secret: payload.completion })
    }
  }
  return [...canaries.values()].sort((a, b) => (a.prompt < b.prompt ? -1 : 1))
}
