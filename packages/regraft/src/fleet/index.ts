import { adoptOperation } from './adopt/adopt.ts'
import { auditOperation } from './audit/audit.ts'
import { bomOperation } from './card/bom.ts'
import { cardOperation } from './card/card.ts'
import { exportOperation } from './card/export.ts'
import { checkOperation } from './check.ts'
import { drillsOperation } from './drills.ts'
import { historyOperation } from './history.ts'
import { listOperation } from './list.ts'
import { logOperation } from './log.ts'
import { migrateOperation } from './migrate/migrate.ts'
import { promoteOperation } from './promote.ts'
import { rebuildOperation } from './rebuild.ts'
import { registerOperation } from './register.ts'
import { rescueOperation } from './rescue/rescue.ts'
import { showOperation } from './show.ts'

export { startDrillSchedule } from './drill/schedule.ts'
export { aliasOf, listNames, parseReference } from './names.ts'
export {
  type Registration,
  readRegistration,
  requireRegistration,
  upcastRegistration,
} from './registration.ts'

export const fleetOperations = [
  auditOperation,
  adoptOperation,
  registerOperation,
  listOperation,
  showOperation,
  cardOperation,
  bomOperation,
  exportOperation,
  promoteOperation,
  historyOperation,
  checkOperation,
  rebuildOperation,
  drillsOperation,
  migrateOperation,
  rescueOperation,
  logOperation,
]
