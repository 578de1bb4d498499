/** The digest as people see it: kind-free, 12 hex digits. `resolve` accepts it back. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12)
}
