import { join } from 'node:path'
import { AliasStore } from './aliases.ts'
import { ApiKeyStore } from './api-keys.ts'
import { ArtifactStore } from './artifacts.ts'
import { BlobFolder } from './blobs.ts'
import { ExecutionStore } from './executions.ts'
import { JobStore } from './jobs.ts'
import { LocationStore } from './locations.ts'
import { ResponseStore } from './responses.ts'
import { ROW_KINDS, RowStore } from './rows.ts'
import type { ProjectScope } from './scope.ts'
import type {
  ExampleRow,
  FeedbackRow,
  InferenceRow,
  NewExample,
  NewFeedback,
  NewInference,
  ProjectStore,
} from './types.ts'

/** Folder of the data directory that holds the blobs of each project. */
export const BLOBS = 'blobs'

export function projectStore(scope: ProjectScope, dataDirectory: string): ProjectStore {
  return {
    projectId: scope.projectId,
    inferences: new RowStore<InferenceRow, NewInference>(scope, ROW_KINDS.inferences),
    feedback: new RowStore<FeedbackRow, NewFeedback>(scope, ROW_KINDS.feedback),
    examples: new RowStore<ExampleRow, NewExample>(scope, ROW_KINDS.examples),
    artifacts: new ArtifactStore(scope),
    executions: new ExecutionStore(scope),
    jobs: new JobStore(scope),
    aliases: new AliasStore(scope),
    apiKeys: new ApiKeyStore(scope),
    blobs: new BlobFolder(join(dataDirectory, BLOBS, scope.projectId)),
    responses: new ResponseStore(scope),
    locations: new LocationStore(scope),
  }
}
