import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import type { MachineLock } from './messages.ts'

const require = createRequire(import.meta.url)

/** The versions and the hardware on which bit-equal results depend. */
export function machineLock(threads: number): MachineLock {
  return {
    engine: packageVersion('../../package.json'),
    runtime: `onnxruntime-node ${packageVersion(require.resolve('onnxruntime-node/package.json'))}`,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    threads,
  }
}

function packageVersion(path: string): string {
  const url = path.startsWith('.') ? new URL(path, import.meta.url) : path
  return (JSON.parse(readFileSync(url, 'utf8')) as { version: string }).version
}
