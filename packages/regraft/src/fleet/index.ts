import { listOperation } from './list.ts'
import { rebuildOperation } from './rebuild.ts'
import { registerOperation } from './register.ts'

export { listRegistrations, type Registration, requireRegistration } from './registration.ts'

export const fleetOperations = [registerOperation, listOperation, rebuildOperation]
