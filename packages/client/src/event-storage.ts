/** Where events wait so that they outlive the page or the process; each is a text under its own key. */
export interface EventStorage {
  /** Everything that was set and not removed, oldest first. */
  load(): [key: string, text: string][] | Promise<[key: string, text: string][]>
  set(key: string, text: string): void | Promise<void>
  remove(key: string): void | Promise<void>
}

interface WebStorage {
  readonly length: number
  key(index: number): string | null
  getItem(key: string): string | null
  setItem(key: string, text: string): void
  removeItem(key: string): void
}

/**
 * Keeps events in the page's localStorage; null where there is none (Node, a sandboxed frame).
 *
 * One item per event: tabs of one site share the storage, and none may overwrite what another has put there.
 */
export function pageStorage(): EventStorage | null {
  let items: WebStorage
  try {
    const page = globalThis as { document?: unknown; localStorage?: WebStorage }
    if (page.document === undefined || !page.localStorage) return null
    items = page.localStorage
  } catch {
    return null
  }
  return {
    load() {
      const keys = Array.from({ length: items.length }, (_, index) => items.key(index) ?? '')
      return keys.sort().flatMap((key) => {
        const text = items.getItem(key)
        return text === null ? [] : [[key, text] as [string, string]]
      })
    },
    set: (key, text) => items.setItem(key, text),
    remove: (key) => items.removeItem(key),
  }
}

/** A part of a storage, so that several outboxes can share it. */
export function underPrefix(storage: EventStorage, prefix: string): EventStorage {
  return {
    async load() {
      const found = await storage.load()
      return found.flatMap(([key, text]) =>
        key.startsWith(prefix) ? [[key.slice(prefix.length), text] as [string, string]] : [],
      )
    },
    set: (key, text) => storage.set(prefix + key, text),
    remove: (key) => storage.remove(prefix + key),
  }
}
