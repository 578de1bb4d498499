/**
 * The environment of a process that trains. glibc's malloc learns to keep large blocks that were given back once
 * (mallopt(3), M_MMAP_THRESHOLD); a training that works on one large block after another would hold them all.
 */
export function trainerEnvironment(own: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { MALLOC_MMAP_THRESHOLD_: String(8 << 20), ...own }
}
