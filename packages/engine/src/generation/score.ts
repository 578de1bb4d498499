import { layOut, type Sequence } from '../decoder/batch.ts'
import type { Decoder } from '../decoder/decoder.ts'

/** Natural-log probability of each supervised token of each sequence, in order. */
export async function score(decoder: Decoder, sequences: readonly Sequence[]): Promise<number[][]> {
  const batch = layOut(sequences)
  const scores = await decoder.head.logProbabilities(
    await decoder.stack.forward(batch),
    batch.rows,
    batch.targets,
  )
  const bySequence = sequences.map((): number[] => [])
  for (const [i, sequence] of batch.sequences.entries()) bySequence[sequence]!.push(scores[i]!)
  return bySequence
}
