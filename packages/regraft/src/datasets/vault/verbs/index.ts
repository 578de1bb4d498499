import { vaultExport } from './export.ts'
import { vaultQueries } from './queries.ts'
import { vaultReveal } from './reveal.ts'
import { vaultShow } from './show.ts'

export const vaultOperations = [vaultShow, vaultQueries, vaultReveal, vaultExport]
