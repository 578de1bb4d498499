import type { Outcome, Verdict } from '../../verdict/index.ts'
import type { ContaminationFacts, ReportFacts } from './facts.ts'
import { type Html, html, trusted } from './html.ts'
import { drawPlot, plotsOf } from './interval-plot.ts'
import { itemsSection } from './items-section.ts'
import { count, figure, percent } from './numbers.ts'
import { STYLE } from './style.ts'

const WORDS: Record<Outcome, { word: string; sign: string; meaning: string }> = {
  pass: { word: 'PASS', sign: '✓', meaning: 'The items show it.' },
  fail: { word: 'FAIL', sign: '✕', meaning: 'The items show the opposite of what is required.' },
  'cannot-tell': { word: 'CANNOT TELL', sign: '?', meaning: 'The items show neither. This is no weak pass.' },
}

/** A verdict as one HTML file that needs nothing else: no script, font or image from anywhere. */
export function reportPage(facts: ReportFacts): string {
  const { verdict, at, record } = facts
  const plots = plotsOf(verdict)
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<title>${`${WORDS[verdict.outcome].word}: ${verdict.title}`}</title>
<style>${trusted(STYLE)}</style>
</head>
<body>
<main>
<header>
<p class="dim">Regraft report, ${at.slice(0, 16).replace('T', ' ')} UTC</p>
<h1>${capital(verdict.title)}</h1>
${summary(verdict)}
<dl class="about">${[...facts.about, { name: 'Verdict', value: record }].map(
    ({ name, value }) => html`<dt>${name}</dt><dd><code>${value}</code></dd>`,
  )}</dl>
</header>
<section aria-labelledby="requirements"><h2 id="requirements">What was required</h2>${requirementsTable(verdict)}</section>
${
  plots.length === 0
    ? null
    : html`<section aria-labelledby="intervals"><h2 id="intervals">Intervals</h2>
<p class="caption">Squares are comparisons, circles are slices (drawn towards their mean; slices that are not critical decide nothing). Bars are the intervals that decide. A comparison passes when its bar lies wholly on the wanted side of the dashed line, or between them where there are two.</p>
${plots.map((plot, i) => html`<figure><figcaption><h3>${capital(plot.title)}</h3></figcaption>${drawPlot(plot, `plot-${i}`)}</figure>`)}</section>`
}
${slicesSection(verdict)}
${scoresSection(facts)}
${facts.contamination === null ? null : contaminationSection(facts.contamination)}
${facts.items === null ? null : itemsSection(facts.items)}
${evidenceSection(facts)}
<footer>${[...methodsOf(verdict)].map((method) => html`<p>Interval: ${method}.</p>`)}
<p>† Our default, not an established fact. Margins and limits were read from the configuration before the comparison and never derived from the data.</p></footer>
</main>
</body>
</html>
`.text
}

function badge(outcome: Outcome, large = false): Html {
  const { word, sign } = WORDS[outcome]
  return html`<span class="badge ${outcome}${large ? ' large' : ''}">${sign} ${word}</span>`
}

function summary(verdict: Verdict): Html {
  const { outcome, finding, parts = [], needed, power, reason, seed } = verdict
  const open = parts.filter((part) => part.outcome !== 'pass')
  return html`<div class="summary ${outcome}"><p>${badge(outcome, true)} <strong>${finding ?? ''}</strong> ${WORDS[outcome].meaning}</p>
${parts.length === 0 ? null : html`<p>${`${parts.length - open.length} of ${parts.length} parts pass.`}${open.length === 0 ? null : ' The others:'}</p>`}
${open.length === 0 ? null : html`<ul>${open.map((part) => html`<li>${badge(part.outcome)} ${part.title}</li>`)}</ul>`}
${reason.split('\n').map((line) => html`<p class="reason">${capital(line)}.</p>`)}
${needed === undefined ? null : html`<p>About <strong>${count(needed)}</strong> items would settle it; there were ${count(verdict.n)}.</p>`}
${power === undefined ? null : html`<p>Power ${percent(power.value)}: ${power.alternative}.</p>`}
${seed === undefined ? null : html`<p>Seed ${seed}.</p>`}</div>`
}

function requirementsTable(verdict: Verdict): Html {
  const rows =
    verdict.parts === undefined
      ? [verdictRow(verdict, 0)]
      : verdict.parts.flatMap((part) => verdictRows(part, 0))
  return html`<div class="scroll"><table><thead><tr><th scope="col">Requirement</th><th scope="col">Outcome</th><th scope="col" class="number">Effect</th><th scope="col" class="number">Interval</th><th scope="col" class="number">Items</th><th scope="col" class="number">Would settle it</th><th scope="col" class="number">Power</th></tr></thead>
<tbody>${rows}</tbody></table></div>`
}

function verdictRows(verdict: Verdict, depth: number): Html[] {
  return [
    verdictRow(verdict, depth),
    ...(verdict.parts ?? []).flatMap((part) => verdictRows(part, depth + 1)),
  ]
}

function verdictRow(verdict: Verdict, depth: number): Html {
  const { title, reason, outcome, effect, interval, unit, n, needed, power, seed } = verdict
  const range = interval ? `${figure(interval.low, unit)} to ${figure(interval.high, unit)}` : ''
  const level = ['', 'part', 'part deep'][Math.min(depth, 2)]!
  return html`<tr class="${level} head"><td>${depth === 0 ? html`<strong>${capital(title)}</strong>` : capital(title)}</td><td>${badge(outcome)}</td>
<td class="number">${effect === undefined ? '' : figure(effect, unit)}</td><td class="number">${range}</td><td class="number">${count(n)}</td><td class="number">${needed === undefined ? '' : `≈ ${count(needed)}`}</td><td class="number">${power === undefined ? '' : percent(power.value)}</td></tr>
<tr class="${level}"><td colspan="7" class="reason">${reason}${effect === undefined ? '' : `. Effect: ${unit ?? 'no unit'}`}${interval ? `, ${percent(interval.level)} interval` : ''}${seed === undefined ? '' : `, seed ${seed}`}</td></tr>
`
}

/** Comparisons with slices, wherever they stand. */
function slicedOf(verdict: Verdict): Verdict[] {
  return [...(verdict.slices?.length ? [verdict] : []), ...(verdict.parts ?? []).flatMap(slicedOf)]
}

function slicesSection(verdict: Verdict): Html | null {
  const sliced = slicedOf(verdict)
  if (sliced.length === 0) return null
  return html`<section aria-labelledby="slices"><h2 id="slices">Slices</h2>${sliced.map(
    ({ title, slices = [], unit }) => {
      return html`<h3>${capital(title)}</h3><div class="scroll"><table><thead><tr><th scope="col">Slice</th><th scope="col" class="number">Items</th><th scope="col" class="number">Alone</th><th scope="col" class="number">Pooled</th><th scope="col" class="number">Interval</th><th scope="col" class="number">p (Holm)</th><th scope="col">Found</th></tr></thead>
<tbody>${[...slices]
        .sort((a, b) => a.p - b.p)
        .map(
          ({ slice, critical, n, effect, pooled, p, regressed, items = [] }) =>
            html`<tr><td>${slice}${critical ? html` <strong>critical</strong>` : null}${items.length === 0 ? null : html`<details class="reason"><summary>lost items</summary><code>${items.join(', ')}</code></details>`}</td><td class="number">${count(n)}</td><td class="number">${figure(effect, unit)}</td><td class="number">${figure(pooled.estimate, unit)}</td><td class="number">${figure(pooled.low, unit)} to ${figure(pooled.high, unit)}</td><td class="number">${Number(p.toPrecision(2))}</td><td>${regressed ? html`<span class="badge fail">✕ regressed</span>` : ''}</td></tr>
`,
        )}</tbody></table></div>`
    },
  )}</section>`
}

function scoresSection({ scores }: ReportFacts): Html | null {
  if (scores.length === 0) return null
  return html`<section aria-labelledby="scores"><h2 id="scores">Scores</h2><div class="scroll"><table><thead><tr><th scope="col">Model</th><th scope="col">Suite</th><th scope="col">Scorer</th><th scope="col" class="number">Right</th><th scope="col" class="number">Accuracy</th><th scope="col" class="number">95 % interval (Wilson)</th></tr></thead>
<tbody>${scores.map(
    ({ model, suite, scorer, n, right, accuracy, low, high }) =>
      html`<tr><td>${model}</td><td>${suite}</td><td>${scorer}</td><td class="number">${`${count(right)} of ${count(n)}`}</td><td class="number">${percent(accuracy)}</td><td class="number">${percent(low)} to ${percent(high)}</td></tr>
`,
  )}</tbody></table></div></section>`
}

function contaminationSection({
  snapshot,
  rows,
  suites,
  dropped,
  coverage,
  paraphrases,
  again,
}: ContaminationFacts): Html {
  return html`<section aria-labelledby="contamination"><h2 id="contamination">Contamination</h2>
<p>${`${count(rows)} rows learned from were compared with ${suites.join(', ')}. `}${dropped.length === 0 ? 'None was left out for what it shares with items.' : `Left out: ${dropped.map(({ reason, rows: out }) => `${count(out)} ${reason}`).join(', ')}.`}</p>
${paraphrases.map(({ embedder, threshold, rows: near, dropped: out }) => html`<p>${`${count(near)} rows resemble an item (${embedder}, similarity ${threshold} or more) and were ${out ? 'left out' : 'left in'}.`}</p>`)}
${again.map(({ suite, rows: compared, items, added, found }) => html`<p>${`${suite} has grown since: ${count(compared)} rows were compared with its ${count(items)} items, ${count(added)} of them new, and ${count(found)} hold items.`}</p>`)}
${
  coverage.length === 0
    ? null
    : html`<div class="scroll"><table><thead><tr><th scope="col">Check</th><th scope="col">Text</th><th scope="col" class="number">Words it needs</th><th scope="col" class="number">Items it sees</th><th scope="col" class="number">Too short for it</th></tr></thead><tbody>${coverage.map(
        ({
          rung,
          text,
          words,
          covered,
          tooShort,
        }) => html`<tr><td>${rung}</td><td>${text}</td><td class="number">${count(words)}</td><td class="number">${count(covered)}</td><td class="number">${count(tooShort)}</td></tr>
`,
      )}</tbody></table></div>`
}
<p class="caption">Snapshot <code>${snapshot}</code></p></section>`
}

function evidenceSection({ evidence, verdict: { rerun } }: ReportFacts): Html {
  return html`<section aria-labelledby="evidence"><h2 id="evidence">Evidence</h2>
<div class="scroll"><table><thead><tr><th scope="col">Artifact</th><th scope="col">What it is</th><th scope="col">Look at it</th></tr></thead><tbody>${evidence.map(
    ({
      digest,
      what,
      command,
    }) => html`<tr><td><code>${digest}</code></td><td>${what}</td><td><code>${command}</code></td></tr>
`,
  )}</tbody></table></div>
<h3>Decide again</h3><p><code>${rerun}</code></p></section>`
}

function methodsOf({ interval, parts = [] }: Verdict): Set<string> {
  return new Set([...(interval ? [interval.method] : []), ...parts.flatMap((part) => [...methodsOf(part)])])
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
