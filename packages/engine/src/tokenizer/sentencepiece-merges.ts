/**
 * Merges of a byte-pair tokenizer that make the same joins as SentencePiece's BPE.
 *
 * SentencePiece joins the neighbours whose union has the highest score, so every way of cutting a piece in two
 * pieces is a merge as urgent as the piece's score; of those the one with the longer left comes first, because runs of
 * one character fill up from the left. Kudo & Richardson, "SentencePiece" (2018).
 */
export function sentencePieceMerges(
  pieces: readonly string[],
  scores: readonly number[],
  isMergeable: (id: number) => boolean,
): [string, string][] {
  const ids = new Map<string, number>()
  for (const [id, piece] of pieces.entries()) if (isMergeable(id)) ids.set(piece, id)

  const merges: [string, string][] = []
  const urgency: number[] = []
  for (const [piece, id] of ids) {
    for (let cut = piece.length - 1; cut > 0; cut--) {
      const right = piece.slice(cut)
      if (!ids.has(right)) continue
      const left = piece.slice(0, cut)
      if (!ids.has(left)) continue
      merges.push([left, right])
      urgency.push(scores[id]!)
    }
  }
  // Where scores fall with the ids, as they do in trained models, the merges are in order already.
  if (urgency.every((score, i) => i === 0 || score <= urgency[i - 1]!)) return merges
  // The sort is stable, so pieces of equal score keep the order of their ids.
  return merges
    .map((merge, i) => ({ merge, score: urgency[i]! }))
    .sort((a, b) => b.score - a.score)
    .map(({ merge }) => merge)
}
