import { feedbackProtocol, traceProtocol } from '../../capture/index.ts'
import { openAIProtocol } from '../../serving/index.ts'
import type { Protocol } from './context.ts'

/** The hand-written protocols that a server speaks beside the operations. */
export const protocols: readonly Protocol[] = [
  openAIProtocol,
  { path: '/', routes: ({ services }) => feedbackProtocol({ journals: services.journals }).routes() },
  { path: '/', routes: ({ services }) => traceProtocol({ journals: services.journals }).routes() },
]
