/** Of a page that stands alone: no font, image or script from anywhere. */
export const STYLE = `
:root { color-scheme: light dark; --ground: #ffffff; --raised: #f6f7f9; --ink: #1a1d21; --dim: #5b6470; --line: #d9dde3;
  --pass: #17693a; --fail: #b3261e; --open: #8a5a00; --accent: #2f5d9b; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171a; --raised: #1d2126; --ink: #e8eaed; --dim: #a3adb8;
  --line: #353c45; --pass: #6fcf97; --fail: #ff8a80; --open: #f2c14e; --accent: #8ab4f8; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1000px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 26px; line-height: 1.25; margin: 8px 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 40px 0 12px; padding-bottom: 6px; border-bottom: 1px solid var(--line); }
h3 { font-size: 15px; margin: 24px 0 6px; }
p { margin: 6px 0; }
.dim, .caption { color: var(--dim); }
.caption { font-size: 13px; }
code, .mono { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 12.5px; overflow-wrap: anywhere; }
.badge { display: inline-block; padding: 1px 9px; border-radius: 4px; border: 1.5px solid currentColor; font-weight: 700;
  font-size: 12px; letter-spacing: .04em; white-space: nowrap; }
.badge.large { font-size: 16px; padding: 4px 14px; }
.pass { color: var(--pass); } .fail { color: var(--fail); } .cannot-tell { color: var(--open); }
.summary { background: var(--raised); border: 1px solid var(--line); border-left: 5px solid var(--dim); border-radius: 6px;
  padding: 16px 20px; margin: 20px 0 0; }
.summary.pass { border-left-color: var(--pass); } .summary.fail { border-left-color: var(--fail); }
.summary.cannot-tell { border-left-color: var(--open); }
.summary > * { color: var(--ink); } .summary .badge { color: inherit; }
.summary.pass .badge.large { color: var(--pass); } .summary.fail .badge.large { color: var(--fail); }
.summary.cannot-tell .badge.large { color: var(--open); }
.summary ul { margin: 8px 0 0; padding-left: 20px; }
dl.about { display: grid; grid-template-columns: max-content 1fr; gap: 2px 18px; margin: 16px 0 0; }
dl.about dt { color: var(--dim); } dl.about dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; vertical-align: top; padding: 7px 10px 7px 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--dim); font-size: 12.5px; }
td.number, th.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
tr.part td:first-child { padding-left: 22px; } tr.part.deep td:first-child { padding-left: 44px; }
tr.head td { border-bottom: 0; padding-bottom: 0; } td.reason { padding-top: 2px; }
td .reason, td.reason { color: var(--dim); font-size: 13px; overflow-wrap: anywhere; }
figure { margin: 8px 0 20px; }
svg.plot { width: 100%; height: auto; display: block; font-size: 12px; }
svg.plot text { fill: var(--ink); } svg.plot .tick, svg.plot .axis, svg.plot .note { fill: var(--dim); font-size: 11px; }
svg.plot .grid { stroke: var(--line); } svg.plot .zero { stroke: var(--dim); stroke-width: 1.2; }
svg.plot .limit { stroke: var(--accent); stroke-width: 1.8; stroke-dasharray: 5 4; }
svg.plot .row { color: var(--dim); } svg.plot .row.pass { color: var(--pass); } svg.plot .row.fail { color: var(--fail); }
svg.plot .row.cannot-tell { color: var(--open); }
svg.plot .bar { stroke: currentColor; stroke-width: 2; } svg.plot rect, svg.plot circle { fill: currentColor; }
svg.plot .comparison .label { font-weight: 600; }
.item { border: 1px solid var(--line); border-radius: 6px; margin: 14px 0; padding: 14px 16px; }
.item .text { white-space: pre-wrap; overflow-wrap: anywhere; margin: 2px 0 8px; }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: 12px; }
.side { background: var(--raised); border-radius: 6px; padding: 10px 12px; border-top: 3px solid var(--line); }
.side.right { border-top-color: var(--pass); } .side.wrong { border-top-color: var(--fail); }
.role { color: var(--dim); font-size: 12px; text-transform: uppercase; letter-spacing: .04em; }
.warning { border: 1px solid var(--open); border-radius: 6px; padding: 10px 14px; margin: 8px 0; }
footer { margin-top: 48px; color: var(--dim); font-size: 13px; border-top: 1px solid var(--line); padding-top: 12px; }
@media (max-width: 640px) { .sides { grid-template-columns: 1fr; } main { padding: 20px 14px 40px; } }
@media print { :root { color-scheme: light; --ground: #fff; --raised: #f6f7f9; --ink: #000; --dim: #444; --line: #bbb;
    --pass: #17693a; --fail: #b3261e; --open: #8a5a00; --accent: #2f5d9b; }
  body { font-size: 11pt; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  main { max-width: none; padding: 0; } .item, figure, tr { break-inside: avoid; } h2, h3 { break-after: avoid; } .scroll { overflow: visible; } }
@page { margin: 16mm; }
`
