import type { LossRecipe } from '@regraft/engine'
import { normalizedEditDistance } from '@regraft/methods'
import type { SnapshotManifest } from '../datasets/index.ts'
import type { OperationContext } from '../operation/index.ts'
import { readExamples } from './snapshot-examples.ts'

/** Below this median share of changed characters, DPO tends to make both answers less likely †. */
const SMALL = 0.1
/** Pairs and characters that are looked at. */
const [PAIRS, CHARACTERS] = [200, 2_000]

/**
 * Warns before a DPO on small edits. Where chosen and rejected answers hardly differ, the gradient of their common tokens
 * cancels out, and the likelihood of both falls (Pal et al. 2024, "Smaug"; Razin et al. 2025, "Unintentional
 * Unalignment").
 */
export async function warnOfSmallEdits(
  { store, log }: Pick<OperationContext, 'store' | 'log'>,
  loss: LossRecipe,
  manifest: SnapshotManifest,
): Promise<void> {
  if (loss.name !== 'dpo' || loss.sftWeight > 0 || loss.dpopWeight > 0) return
  const examples = await readExamples(store, manifest, 'train', PAIRS)
  const distances = examples.flatMap((example) =>
    'chosen' in example
      ? [normalizedEditDistance(example.chosen.slice(0, CHARACTERS), example.rejected.slice(0, CHARACTERS))]
      : [],
  )
  const median = distances.sort((a, b) => a - b)[distances.length >> 1]
  if (median === undefined || median >= SMALL) return
  log.warn(
    `the answers of the pairs hardly differ (median ${(median * 100).toFixed(0)} % of the characters): DPO may make ` +
      'both less likely; --sft-weight 1 or --dpop 5 works against it',
  )
}
