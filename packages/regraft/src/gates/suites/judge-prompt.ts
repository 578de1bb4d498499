import type { OpenItem } from '../../datasets/index.ts'

/** What every judge sees of an item. Lone surrogates are replaced: JSON over HTTP cannot carry them. */
export function shownItem({ messages, expected }: OpenItem) {
  return {
    conversation: messages.map(({ role, content }) => ({ role, content: content.toWellFormed() })),
    expected: expected.toWellFormed(),
  }
}
