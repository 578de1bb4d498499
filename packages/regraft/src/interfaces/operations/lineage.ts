import { z } from 'zod'
import { defineOperation } from '../../operation/index.ts'

const Step = z.object({
  digest: z.string(),
  kind: z.string().nullable().describe('null when the artifact is gone'),
  step: z.string().nullable().describe('the step that made it; null for what came from outside'),
  version: z.int().nullable(),
  inputs: z.array(z.object({ role: z.string(), digest: z.string() })),
})

const show = defineOperation({
  name: 'lineage show',
  effect: 'read',
  scope: 'read',
  mode: 'call',
  summary: 'Show what an artifact was made from, or what was made from it',
  input: z.object({
    digest: z.string().min(1).describe('digest, at least 6 hex digits of one, or an alias'),
    downstream: z.boolean().default(false).describe('what was made from it'),
  }),
  output: z.object({
    digest: z.string(),
    kind: z.string(),
    tree: z.string().describe('for reading'),
    artifacts: z.array(Step).describe('upstream: makers before what they make; downstream: nearest first'),
    missing: z.array(z.string()).describe('digests that are gone'),
  }),
  positionals: ['digest'],
  example: 'regraft lineage show 3fa9c1d2',
  render: ({ tree }) => tree,
  async run({ store }, { digest, downstream }) {
    // Loaded here because it brings the database driver along, which `regraft --help` can do without.
    const { closure, consequences, renderLineage } = await import('../../lineage/index.ts')
    const artifact = await store.artifacts.resolve(digest)
    const walked = downstream
      ? { ...(await consequences(store, artifact.digest)), missing: [] }
      : await closure(store, artifact.digest)
    return {
      digest: artifact.digest,
      kind: artifact.kind,
      tree: await renderLineage(store, artifact.digest, {
        direction: downstream ? 'downstream' : 'upstream',
      }),
      artifacts: walked.artifacts.map(({ digest: one, artifact: found, execution }) => ({
        digest: one,
        kind: found?.kind ?? null,
        step: execution?.step ?? null,
        version: execution?.version ?? null,
        inputs: execution?.inputs ?? [],
      })),
      missing: walked.missing,
    }
  },
})

export const lineageOperations = [show]
