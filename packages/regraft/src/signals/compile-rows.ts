import type { InferenceRow, ProjectStore } from '../store/types.ts'
import { compileSignals } from './compile.ts'
import { decideExamples } from './decide.ts'
import type { CompiledRow, ExampleKind, SignalDropReason } from './examples.ts'
import { readTraffic, type Selections } from './traffic.ts'
import type { Policy } from './use.ts'
import { estimatePropensities, Observations } from './weights/observations.ts'

export interface CompileOptions {
  /** Rows of another task are passed over. */
  task: string | null
  kind: ExampleKind
  policy: Policy
  /** Whether to estimate how probable it was that a row would bear feedback. Default false. */
  propensities?: boolean
}

/** Compiles the selected traffic into examples of one kind; what makes none goes to `drop` with the reason. */
export async function compileRows(
  project: ProjectStore,
  selections: Selections,
  { task, kind, policy, propensities = false }: CompileOptions,
  drop: (inference: InferenceRow, reason: SignalDropReason) => void = () => {},
): Promise<CompiledRow[]> {
  const rows: CompiledRow[] = []
  const observations = new Observations()
  for await (const input of readTraffic(project, task, selections)) {
    if (propensities) observations.add(input)
    const decision = decideExamples(kind, compileSignals(input), input, policy)
    if ('kept' in decision) rows.push(decision.kept)
    else drop(input.inference, decision.dropped)
  }
  return propensities ? withPropensities(rows, estimatePropensities(observations.model())) : rows
}

/** Sets what was logged times what was estimated; labels are given by whoever is asked, so nothing is said of theirs. */
function withPropensities(rows: CompiledRow[], estimated: Map<string, number> | null): CompiledRow[] {
  return rows.map((row) => {
    const { inference, feedback, signal } = row
    if (signal === 'label') return row
    const factors = [
      inference.payload.propensity,
      feedback[0]?.payload.propensity,
      estimated?.get(inference.id),
    ]
    const known = factors.filter((factor) => factor !== undefined)
    return known.length === 0
      ? row
      : { ...row, propensity: known.reduce((product, factor) => product * factor, 1) }
  })
}
