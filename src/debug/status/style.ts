/** The status page's style. */

export const STYLE = `:root {
  color-scheme: light dark;
  --text: #1c2024;
  --soft: #646b73;
  --faint: #a3a9b1;
  --line: #e3e6e9;
  --page: #fafbfb;
  --card: #ffffff;
  --hover: #f2f5f7;
  --first: #1668b3;
  --second: #c2690a;
  --area: #1668b31c;
  --ok: #1a7f4b;
  --warn: #9a6000;
  --bad: #c0262d;
  --badback: #fdeeee;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e4e7ea;
    --soft: #9aa2ab;
    --faint: #626a73;
    --line: #2a3036;
    --page: #111417;
    --card: #181c20;
    --hover: #1f2429;
    --first: #62aef0;
    --second: #e8a04c;
    --area: #62aef024;
    --ok: #4cc38a;
    --warn: #e0b050;
    --bad: #ff7a78;
    --badback: #341b1c;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto;
  max-width: 1440px;
  padding: 16px 24px 32px;
  background: var(--page);
  color: var(--text);
  font: 14px/1.45 system-ui, sans-serif;
  font-variant-numeric: tabular-nums;
}
a { color: var(--first); text-decoration: none; }
a:hover { text-decoration: underline; }
small { color: var(--soft); font-size: 12px; font-weight: normal; }
code { color: var(--soft); font: 12px ui-monospace, monospace; }
.ok { color: var(--ok); }
.warn { color: var(--warn); }
.bad, small.bad { color: var(--bad); }

header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 16px; margin-bottom: 14px; }
h1 { margin: 0; font-size: 20px; font-weight: 650; overflow-wrap: anywhere; }
h2 { margin: 22px 0 8px; font-size: 15px; font-weight: 650; }
h3 { margin: 0; font-size: 13px; font-weight: 500; color: var(--soft); }
#health { display: contents; }
#health p { margin: 0; font-weight: 600; }
#health p::before { content: "●"; margin-right: 6px; }
#health ul {
  order: 1;
  flex-basis: 100%;
  margin: 6px 0 0;
  padding: 8px 12px;
  list-style: none;
  border-radius: 6px;
  background: var(--badback);
  color: var(--bad);
  overflow-wrap: anywhere;
}
#live { margin: 0 0 0 auto; color: var(--soft); font-size: 12px; }
#live.live::before { content: "live "; color: var(--ok); }
#live.lost::before { content: "connection lost, last seen "; color: var(--bad); }

dl { display: grid; grid-template-columns: repeat(5, auto); margin: 0 0 12px; border: 1px solid var(--line); border-radius: 8px; background: var(--card); }
dl div { padding: 10px 14px; border-left: 1px solid var(--line); }
dl div:first-child { border-left: 0; }
dt { color: var(--soft); font-size: 12px; }
dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
dd small { display: block; }

#charts { display: grid; grid-template-columns: repeat(4, 1fr); gap: 12px; }
figure { margin: 0; padding: 10px 14px 8px; border: 1px solid var(--line); border-radius: 8px; background: var(--card); }
figcaption { display: flex; flex-wrap: wrap; align-items: baseline; column-gap: 10px; }
h3 { margin-right: auto; }
.now { font-size: 12px; color: var(--soft); white-space: nowrap; }
.now b { color: var(--text); font-size: 14px; font-weight: 600; }
.now.k0:not(:last-child) b { color: var(--first); }
.now.k1 b { color: var(--second); }
svg { display: block; width: 100%; height: 56px; margin-top: 8px; border-bottom: 1px solid var(--line); overflow: visible; }
path { fill: none; vector-effect: non-scaling-stroke; stroke-width: 1.5; stroke-linejoin: round; }
path.k0 { stroke: var(--first); }
path.k1 { stroke: var(--second); }
path.area { fill: var(--area); }
.axis { display: flex; justify-content: space-between; margin: 3px 0 0; font-size: 11px; color: var(--faint); }
.axis :nth-child(2) { color: var(--soft); }

.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; background: var(--card); }
table { width: 100%; border-collapse: collapse; font-size: 13px; }
th { padding: 6px 12px; border-bottom: 1px solid var(--line); text-align: left; font-size: 12px; font-weight: 500; color: var(--soft); white-space: nowrap; }
th a { color: inherit; }
th[aria-sort] a { color: var(--text); font-weight: 650; }
th[aria-sort="descending"] a::after { content: " ↓"; }
th[aria-sort="ascending"] a::after { content: " ↑"; }
td { padding: 4px 12px; border-top: 1px solid var(--line); white-space: nowrap; vertical-align: baseline; }
tbody tr:first-child td { border-top: 0; }
tbody tr:hover { background: var(--hover); }
.n { text-align: right; }
.zero { color: var(--faint); }
td.node, td.by { max-width: 0; overflow: hidden; text-overflow: ellipsis; }
td.node { width: 22%; }
td.by { width: 12%; }
td b { font-weight: 600; }
.idle b { font-weight: 500; }
.tag { padding: 0 7px; border: 1px solid var(--line); border-radius: 9px; font-size: 11px; color: var(--soft); }
#sources td:last-child, #mesh td:last-child { min-width: 180px; white-space: normal; overflow-wrap: anywhere; }
#sources .bad, #mesh .bad { font-weight: 600; }
.pager { display: flex; gap: 14px; justify-content: center; color: var(--soft); }
.pager .off { color: var(--faint); }
.none { text-align: center; color: var(--soft); }

footer ul { display: flex; flex-wrap: wrap; gap: 4px 24px; margin: 32px 0 0; padding: 12px 0 0; border-top: 1px solid var(--line); list-style: none; font-size: 12px; color: var(--soft); }

@media (max-width: 1000px) {
  #charts { grid-template-columns: repeat(2, 1fr); }
  dl { grid-template-columns: repeat(2, 1fr); }
  dl div { border-left: 0; border-top: 1px solid var(--line); }
  dl div:nth-child(-n+2) { border-top: 0; }
}
@media (max-width: 640px) {
  body { padding: 12px 12px 24px; }
  #charts { gap: 8px; }
  figure { padding: 8px 10px 6px; }
  h3 { flex-basis: 100%; }
  dl div { padding: 8px 10px; }
  dl div:last-child { grid-column: 1 / -1; }
  .clients table, .clients thead, .clients tbody { display: block; }
  .clients thead tr { display: flex; flex-wrap: wrap; padding: 6px 10px; border-bottom: 1px solid var(--line); }
  .clients thead tr::before { content: "Sort by"; padding: 3px 0; font-size: 12px; color: var(--faint); }
  .clients th { padding: 3px 0 3px 12px; border: 0; }
  .clients tbody tr { display: grid; grid-template-columns: minmax(0, 1fr) 86px 90px; column-gap: 6px; padding: 7px 10px; border-top: 1px solid var(--line); }
  .clients tbody tr:first-child { border-top: 0; }
  .clients td { width: auto; max-width: none; padding: 0; border: 0; font-size: 12px; }
  .clients td.node { font-size: 14px; }
  .clients td { grid-column: 1; color: var(--soft); overflow: hidden; text-overflow: ellipsis; }
  .clients td.node, .clients td.in, .clients td.out { grid-row: 1; color: var(--text); }
  .clients td.address, .clients td.tin, .clients td.tout { grid-row: 2; }
  .clients td.by, .clients td.home, .clients td.since { grid-row: 3; }
  .clients td.drops, .clients td.queue { grid-row: 4; }
  .clients td.in, .clients td.tin, .clients td.home, .clients td.drops { grid-column: 2; }
  .clients td.out, .clients td.tout, .clients td.since, .clients td.queue { grid-column: 3; }
  .clients td.home { text-align: right; }
  .clients td.drops { grid-column: 1 / 3; }
  .clients td.zero { color: var(--faint); }
  .clients td.drops.zero, .clients td.queue.zero { display: none; }
  #sources table, #mesh table, #sources tbody, #mesh tbody { display: block; }
  #sources thead, #mesh thead { display: none; }
  #sources tr, #mesh tr { display: flex; flex-wrap: wrap; gap: 0 12px; padding: 7px 10px; border-top: 1px solid var(--line); }
  #sources tr:first-child, #mesh tr:first-child { border-top: 0; }
  #sources td, #mesh td { padding: 0; border: 0; font-size: 12px; }
  #sources td:first-child, #mesh td:first-child { flex-basis: 100%; font-size: 13px; white-space: normal; overflow-wrap: anywhere; }
  #sources td:last-child, #mesh td:last-child { flex-basis: 100%; color: var(--bad); }
  #sources td:nth-child(3)::before, #mesh td:nth-child(3)::before { content: "for "; }
  #sources td:nth-child(4)::before { content: "asked "; }
  #sources td:nth-child(5)::before { content: "admitted "; }
  #sources td:nth-child(6)::before { content: "refused "; }
  #sources td:nth-child(7)::before { content: "failed "; }
  #mesh td:nth-child(4)::before { content: "round trip "; }
  #mesh td:nth-child(5)::before { content: "clients "; }
  #sources td:nth-child(n+3)::before, #mesh td:nth-child(n+3)::before { color: var(--soft); }
  .in::before { content: "in "; color: var(--faint); }
  .out::before { content: "out "; color: var(--faint); }
  .drops::before { content: "dropped "; }
  .queue::before { content: "queue "; }
}
`;
