import { RegraftError } from '../errors/index.ts'

/** What an API key may be allowed to do. 'infer' calls models, 'feedback' only sends signals (safe in a product). */
export const SCOPES = ['read', 'write', 'infer', 'feedback', 'admin'] as const

export type Scope = (typeof SCOPES)[number]

/** Says whether held scopes cover a needed one: 'admin' covers all, 'write' covers 'read', 'infer' covers 'feedback'. */
export function allows(held: readonly string[], needed: Scope): boolean {
  if (held.includes('admin') || held.includes(needed)) return true
  return (needed === 'read' && held.includes('write')) || (needed === 'feedback' && held.includes('infer'))
}

/** Throws 'forbidden' for a caller whose key does not hold the scope. */
export function checkScope({ scopes }: { scopes: readonly Scope[] }, scope: Scope): void {
  if (allows(scopes, scope)) return
  throw new RegraftError('forbidden', `this API key lacks the scope '${scope}'`, {
    hint: `regraft keys create <name> --scope ${scope}`,
  })
}
