import type { ArtifactKind, ProjectStore } from '../store/index.ts'
import { canonicalBytes, digestOf } from '../store/index.ts'
import { runStep } from './run.ts'
import type { Step } from './step.ts'

/** Small fixed inputs on which a step's output is pinned. */
export interface StepFixture {
  inputs: { role: string; kind: ArtifactKind; schemaVersion: number; value: unknown }[]
  parameters?: unknown
  seed?: number
}

/**
 * Runs a step on its fixture and digests what it makes, for the test that keeps step versions honest:
 *
 *     expect(await stepFixture(project, buildStep, fixture)).toEqual({ version: 1, digest: 'sha256:…' })
 *
 * When that test fails, the step's output has changed: raise its `version`, then write the new pair into the test.
 * The digest covers roles and digests of the outputs in their order, not the version.
 */
export async function stepFixture<Parameters>(
  project: ProjectStore,
  step: Step<Parameters>,
  fixture: StepFixture,
): Promise<{ version: number; digest: string }> {
  const inputs = []
  for (const input of fixture.inputs) {
    inputs.push({ role: input.role, digest: (await project.artifacts.put(input)).digest })
  }
  const call = { inputs, parameters: fixture.parameters, seed: fixture.seed }
  const { outputs } = await runStep({ project }, step, call, { bypassCache: true })
  return { version: step.version, digest: digestOf('step-fixture', 1, canonicalBytes(outputs)) }
}
