import { join } from 'node:path'
import { AliasStore } from './aliases.ts'
import { ApiKeyStore } from './api-keys.ts'
import { ArtifactStore } from './artifacts.ts'
import { AuditStore } from './audit.ts'
import { BlobFolder } from './blobs.ts'
import { ExecutionStore } from './executions.ts'
import { JobStore } from './jobs.ts'
import { KeyringFolder } from './keyring.ts'
import { LocationStore } from './locations.ts'
import { ResponseStore } from './responses.ts'
import { ROW_KINDS, RowStore } from './rows.ts'
import type { ProjectScope } from './scope.ts'
import { TraceStore } from './traces.ts'
import type {
  ExampleRow,
  FeedbackRow,
  InferenceRow,
  NewExample,
  NewFeedback,
  NewInference,
  ProjectStore,
} from './types.ts'
import { VaultStore } from './vault.ts'

/** Folder of the data directory that holds the blobs of each project. */
export const BLOBS = 'blobs'

export function projectStore(
  scope: ProjectScope,
  { dataDirectory, keysDirectory }: { dataDirectory: string; keysDirectory: string },
): ProjectStore {
  const keys = new KeyringFolder(join(keysDirectory, scope.projectId))
  return {
    projectId: scope.projectId,
    keys,
    inferences: new RowStore<InferenceRow, NewInference>(scope, ROW_KINDS.inferences, keys),
    feedback: new RowStore<FeedbackRow, NewFeedback>(scope, ROW_KINDS.feedback, keys),
    examples: new RowStore<ExampleRow, NewExample>(scope, ROW_KINDS.examples, keys),
    vault: new VaultStore(scope),
    audit: new AuditStore(scope, keys),
    traces: new TraceStore(scope, dataDirectory),
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
