/** Whether figures of a unit are shares, which people read in percent. */
export function isShare(unit: string | undefined): boolean {
  return unit !== undefined && /^(share|mean total variation)/.test(unit)
}

/** A figure in its unit: shares in percent with one decimal, others with four significant digits. */
export function figure(value: number, unit: string | undefined): string {
  if (isShare(unit)) return `${minus((value * 100).toFixed(1))} %`
  return minus(Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4))))
}

export function percent(share: number): string {
  return `${minus((share * 100).toFixed(1))} %`
}

/** With the sign of typography, and no negative zero. */
function minus(text: string): string {
  return text.replace(/^-(?=0(\.0*)?$)/, '').replace(/^-/, '−')
}

export function count(value: number): string {
  return value.toLocaleString('en-US')
}

/** About so many values between two ends, at round numbers: 1, 2 or 5 times a power of ten apart. */
export function ticks(low: number, high: number, about = 6): number[] {
  const rough = (high - low) / about
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!
  const found: number[] = []
  for (let i = Math.ceil(low / step); i * step <= high + step * 1e-9; i++)
    found.push(Number((i * step).toPrecision(12)))
  return found
}
