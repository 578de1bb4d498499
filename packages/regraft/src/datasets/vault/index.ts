// The vault: the only code that opens the items of evaluation suites. What is exported here lets ids, counts and numbers
// out, and hands items with their text to the evaluation of a gate.
export { evaluationsLeft, type VaultAccess, vaultAccess } from './budget.ts'
export { excludedItems } from './excluded.ts'
export { type ItemFacts, itemFacts } from './item-facts.ts'
export type { OpenItem } from './open-items.ts'
export { revealItems } from './reveal-items.ts'
export { screen } from './screen.ts'
export { type ClearItem, entityDigest, sealItems } from './seal-items.ts'
export { readSuite, type SealedSuite, type VaultSuite } from './suite.ts'
export { vaultOperations } from './verbs/index.ts'
export { VaultVisit } from './visit.ts'
