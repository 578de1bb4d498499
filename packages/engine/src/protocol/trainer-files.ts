import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ENGINE = dirname(fileURLToPath(new URL('../../package.json', import.meta.url)))

/** The files and folders that the embedded trainer is made of: Node, the engine, and the packages that it imports. */
export function trainerFiles(): string[] {
  const require = createRequire(import.meta.url)
  const { dependencies } = JSON.parse(readFileSync(join(ENGINE, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  const files = new Set([realpathSync(process.execPath), process.execPath, ENGINE])
  for (const name of Object.keys(dependencies)) {
    const folder = (require.resolve.paths(name) ?? []).find((path) => existsSync(join(path, name)))
    if (folder === undefined) continue
    files.add(folder)
    // A package of a workspace, or one that another package manager keeps elsewhere beside what it imports itself.
    const real = realpathSync(join(folder, name))
    files.add(real)
    for (let parent = dirname(real); parent !== dirname(parent); parent = dirname(parent)) {
      if (basename(parent) === 'node_modules') files.add(parent)
    }
  }
  return [...files].filter((path) => ![...files].some((other) => path.startsWith(`${other}/`)))
}
