import { operations } from '../operations/index.ts'
import { localCommands } from './commands/index.ts'
import { startCli } from './start.ts'

await startCli({
  operations,
  localCommands,
  protocols: async () => (await import('../http/protocols.ts')).protocols,
})
