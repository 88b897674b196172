// The look of the pages: one column, system fonts, light and dark, print.

export const style = `
:root { color-scheme: light dark; --paper: #fcfcfb; --ink: #1c1b1a; --muted: #5c5a57; --line: #dcdad6; --accent: #005a9c; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #161718; --ink: #ececea; --muted: #a9a7a3; --line: #3a3b3d; --accent: #7cc0f5; }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 3rem clamp(1rem, 4vw, 3rem) 4rem; max-width: 72rem; background: var(--paper); color: var(--ink);
  font: 1.0625rem/1.55 'Source Sans 3', 'Source Sans Pro', system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif;
}
h1 { margin: 0 0 .5rem; font-size: clamp(1.75rem, 4vw, 2.5rem); line-height: 1.15; letter-spacing: -.015em; text-wrap: balance; }
h2 { margin: 3.5rem 0 .5rem; font-size: 1.45rem; line-height: 1.25; letter-spacing: -.01em; }
p { max-width: 42rem; margin: .6rem 0; overflow-wrap: anywhere; }
a { color: var(--accent); text-underline-offset: .15em; }
.lead { font-size: 1.2rem; color: var(--muted); text-wrap: pretty; }
.facts {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 13rem), 1fr)); gap: 1.1rem 2rem;
  margin: 2rem 0; padding: 1.25rem 0; border-block: 1px solid var(--line);
}
dt { font-size: .875rem; color: var(--muted); }
dd { margin: 0; font-size: 1.15rem; font-weight: 600; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
nav ul { display: flex; flex-wrap: wrap; gap: .35rem 1.5rem; margin: 0; padding: 0; list-style: none; }
.table { overflow-x: auto; margin: 1.25rem 0; }
table { border-collapse: collapse; font-size: .95rem; font-variant-numeric: tabular-nums; }
caption { text-align: start; color: var(--muted); padding-bottom: .4rem; }
th, td { padding: .35rem 1.5rem .35rem 0; border-bottom: 1px solid var(--line); text-align: start; vertical-align: top; }
th { font-weight: 600; }
thead th { font-size: .875rem; color: var(--muted); border-bottom-color: var(--muted); }
.number, thead th:not(:first-child) { text-align: end; }
.figures { display: flex; flex-wrap: wrap; align-items: flex-start; gap: 2rem 1.5rem; margin-top: 1.5rem; }
figure { margin: 0; max-width: 100%; }
figure > button {
  display: block; width: 100%; padding: 0; border: 1px solid var(--line); border-radius: 6px; overflow: hidden;
  background: #fff; cursor: zoom-in; font: inherit;
}
figure > button svg { display: block; width: 100%; height: auto; }
figcaption { margin-top: .5rem; font-size: .95rem; line-height: 1.4; color: var(--muted); overflow-wrap: anywhere; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; }
.large {
  width: 100vw; max-width: none; height: 100dvh; max-height: none; margin: 0; padding: 1rem clamp(1rem, 3vw, 3rem);
  border: 0; overflow: auto; background: var(--paper); color: var(--ink);
}
.large::backdrop { background: var(--paper); }
.large button {
  position: sticky; left: 0; display: block; margin: 0 0 1rem; padding: .35rem .9rem; border: 1px solid var(--line);
  border-radius: 6px; background: var(--paper); color: var(--ink); font: inherit; cursor: pointer;
}
.sheet { min-width: 46rem; background: #fff; border-radius: 6px; overflow: hidden; }
.sheet svg { display: block; width: 100%; height: auto; max-height: calc(100dvh - 9rem); }
footer { margin-top: 4rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: .9rem; color: var(--muted); }
@media print { nav, .large { display: none; } figure, table { break-inside: avoid; } body { padding: 0; font-size: 10pt; } }
`;
