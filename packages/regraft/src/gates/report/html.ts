const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text that is HTML already; only `html` makes it. */
class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

export type { Html }

/** HTML of ours that is no template; nothing that came from outside. */
export function trusted(text: string): Html {
  return new Html(text)
}

type Piece = string | number | Html | readonly Html[] | null

/** HTML of a template: everything that is put in is escaped, for text and for quoted attributes alike, unless `html` made it. */
export function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  return new Html(strings.reduce((text, part, i) => text + render(pieces[i - 1] ?? null) + part))
}

function render(piece: Piece): string {
  if (piece === null) return ''
  if (piece instanceof Html) return piece.text
  if (typeof piece === 'object') return piece.map(({ text }) => text).join('')
  return String(piece).replace(/[&<>"']/g, (character) => ENTITIES[character]!)
}
