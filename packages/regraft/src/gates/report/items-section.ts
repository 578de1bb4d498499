import type { DiscordantItem } from './facts.ts'
import { type Html, html } from './html.ts'
import { count } from './numbers.ts'

/** Discordant items, both answers side by side. */
export function itemsSection(items: readonly DiscordantItem[]): Html {
  return html`<section aria-labelledby="items"><h2 id="items">Items that were answered differently</h2>
<p class="warning"><strong>Burned.</strong> ${count(items.length)} sealed items are shown here, so no later evaluation counts them. Keep this page from whoever writes training rows.</p>
${items.length === 0 ? html`<p>No item was scored differently.</p>` : null}
${items.map(
  ({
    id,
    suite,
    slices,
    messages,
    expected,
    candidate,
    other,
  }) => html`<article class="item"><p class="caption">${suite}, item <code>${id}</code>${slices.length === 0 ? '' : `, ${slices.join(', ')}`}</p>
${messages.map(({ role, content }) => html`<div class="role">${role}</div><div class="text" dir="auto">${content}</div>`)}
<div class="role">expected</div><div class="text" dir="auto">${expected}</div>
<div class="sides">${[side(candidate), side(other)]}</div></article>`,
)}</section>`
}

function side({ name, answer, score, correct }: DiscordantItem['candidate']): Html {
  const points = Number.isInteger(score) ? '' : `, score ${Number(score.toFixed(3))}`
  return html`<div class="side ${correct ? 'right' : 'wrong'}"><div class="role">${name}: ${correct ? '✓ right' : '✕ wrong'}${points}</div><div class="text" dir="auto">${answer === '' ? '(no answer)' : answer}</div></div>`
}
