/** Mean of a figure over the examples of a batch. */
export function mean<T>(items: readonly T[], figure: (item: T) => number): number {
  return items.reduce((sum, item) => sum + figure(item), 0) / items.length
}
