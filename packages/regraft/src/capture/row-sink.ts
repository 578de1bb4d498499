import type { ProjectStore } from '../store/types.ts'

/** What capture needs of a ProjectStore. */
export interface RowSink {
  inferences: Pick<ProjectStore['inferences'], 'insert' | 'seal'>
  feedback: Pick<ProjectStore['feedback'], 'insert' | 'seal'>
}
