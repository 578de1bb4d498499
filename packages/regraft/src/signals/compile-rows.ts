import type { InferenceRow, ProjectStore } from '../store/types.ts'
import { compileSignals } from './compile.ts'
import { decideExamples } from './decide.ts'
import type { CompiledRow, ExampleKind, SignalDropReason } from './examples.ts'
import { readTraffic, type Selections } from './traffic.ts'
import type { Policy } from './use.ts'

export interface CompileOptions {
  /** Rows of another task are passed over. */
  task: string | null
  kind: ExampleKind
  policy: Policy
}

/** Compiles the selected traffic into examples of one kind; what makes none goes to `drop` with the reason. */
export async function compileRows(
  project: ProjectStore,
  selections: Selections,
  { task, kind, policy }: CompileOptions,
  drop: (inference: InferenceRow, reason: SignalDropReason) => void = () => {},
): Promise<CompiledRow[]> {
  const rows: CompiledRow[] = []
  for await (const input of readTraffic(project, task, selections)) {
    const decision = decideExamples(kind, compileSignals(input), input, policy)
    if ('kept' in decision) rows.push(decision.kept)
    else drop(input.inference, decision.dropped)
  }
  return rows
}
