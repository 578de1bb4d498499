// The first 20 updates of SFT and of DPO follow TRL 1.16.0 and PEFT 0.21.2 from the same start: golden curves of
// scripts/parity/trl_curves.py, which also made the base (transformers) and the starting adapter (PEFT).
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { openBase, readAdapter } from '../formats/index.ts'
import { compareCurves, type GoldenCurves } from './compare-curves.ts'

const golden = fileURLToPath(new URL('../../../../bench/golden/trl-curves', import.meta.url))
const curves = JSON.parse(readFileSync(join(golden, 'curves.json'), 'utf8')) as GoldenCurves
const folder = mkdtempSync(join(tmpdir(), 'regraft-curves-'))
const base = openBase(join(golden, 'base'))
afterAll(() => {
  base.close()
  rmSync(folder, { recursive: true })
})

test.each(['sft', 'dpo'] as const)('20 updates of %s follow the loss curve of TRL and PEFT', async (name) => {
  const startFrom = readAdapter(join(golden, 'start'))
  const { summary, worstRelative } = await compareCurves(name, { base, startFrom, golden: curves, folder })
  expect(summary.losses).toHaveLength(20)
  expect(worstRelative.loss).toBeLessThan(0.01)
  expect(worstRelative.gradientNorm).toBeLessThan(0.01)
  for (const [i, rate] of curves[name].learningRates.entries()) {
    expect(summary.learningRates[i]).toBeCloseTo(rate, 9)
  }
  // A loss that stays where it was would follow nothing.
  expect(summary.losses.at(-1)).toBeLessThan(summary.losses[0]! - 0.3)
})
