/** Tests that lie beside what they test and take too long for `npm test`: `npm run verify` runs them. */
export const SLOW_TESTS = [
  'packages/regraft/src/datasets/erase.test.ts',
  'packages/regraft/src/datasets/export.test.ts',
  'packages/regraft/src/gates/judged.test.ts',
  'packages/regraft/src/gates/measure.test.ts',
  'packages/regraft/src/fleet/adopt/adopt.test.ts',
  'packages/regraft/src/fleet/audit/audit.test.ts',
  'packages/regraft/src/fleet/card/card.test.ts',
  'packages/regraft/src/fleet/log.test.ts',
  'packages/regraft/src/fleet/risk/risk.test.ts',
  'packages/regraft/src/gates/looks.test.ts',
  'packages/regraft/src/interfaces/cli/process.test.ts',
  'packages/regraft/src/models/pull.test.ts',
  'packages/regraft/src/store/pglite/pglite.test.ts',
  'tests/bad-input.test.ts',
  'tests/compatibility.test.ts',
  'tests/hosted-bases.test.ts',
]
