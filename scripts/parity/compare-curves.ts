// Trains as trl_curves.py did with TRL and PEFT on SmolLM2 and says how far the curves are apart (at most 1 % is wanted):
//   python trl_curves.py --model MODEL.gguf FOLDER
//   node scripts/parity/compare-curves.ts MODEL.gguf FOLDER
// Without arguments it does so on the tiny base of bench/golden/trl-curves.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readAdapter } from '@regraft/engine'
import { openBase } from '@regraft/engine/internals'
import { compareCurves, type GoldenCurves } from '../../packages/engine/src/training/compare-curves.ts'

const tiny = fileURLToPath(new URL('../../bench/golden/trl-curves', import.meta.url))
const [model = join(tiny, 'base'), run = tiny] = process.argv.slice(2)
const golden = JSON.parse(readFileSync(join(run, 'curves.json'), 'utf8')) as GoldenCurves
const folder = mkdtempSync(join(tmpdir(), 'regraft-curves-'))
const base = openBase(model)
for (const name of ['sft', 'dpo'] as const) {
  const startFrom = readAdapter(join(run, 'start'))
  const { summary, worstRelative } = await compareCurves(name, {
    base,
    startFrom,
    golden,
    folder,
    threads: 2,
  })
  const agrees = worstRelative.loss < 0.01
  if (!agrees) process.exitCode = 1
  const percent = (share: number) => `${(100 * share).toFixed(4)} %`
  console.log(
    `${name}: ${summary.updates} updates, loss ${summary.losses[0]!.toFixed(4)} → ${summary.losses.at(-1)!.toFixed(4)}; ` +
      `largest difference: loss ${percent(worstRelative.loss)}, gradient norm ${percent(worstRelative.gradientNorm)}${agrees ? '' : '  DIFFERS'}`,
  )
}
base.close()
rmSync(folder, { recursive: true, force: true })
