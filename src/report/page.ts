// One self-contained HTML page of facts, tables and figures: no script, no request, light and dark.
import { style } from './page-style.ts';
import { escapeText } from './svg.ts';

export interface PageFigure {
  /** A whole `<svg>` element, as the figures of this folder return it. */
  svg: string;
  caption: string;
  /** What the figure shows, for those who cannot see it. */
  alt: string;
}

export interface PageTable {
  caption: string;
  head: readonly string[];
  /** Rows of cells; the first cell of a row is its name, numbers are set flush right. */
  rows: readonly (readonly (string | number)[])[];
}

export interface PageSection {
  heading: string;
  /** Paragraphs, separated by empty lines. */
  text?: string;
  tables?: readonly PageTable[];
  figures?: readonly PageFigure[];
}

export interface Page {
  title: string;
  /** The paragraph below the title. */
  lead: string;
  /** Names and values, shown first. */
  facts: readonly (readonly [name: string, value: string | number])[];
  sections: readonly PageSection[];
  footer: string;
  /** `@font-face` rules to carry along, as {@link fontFaces} writes them; system fonts are used without. */
  fontFaces?: string;
  /** Language of the text, "en" unless given. */
  language?: string;
}

/**
 * The page as HTML text. A figure opens large on click, Enter or Space and closes with Escape: the browser's own
 * popover shows the same drawing again.
 */
export function demoPage({
  title,
  lead,
  facts,
  sections,
  footer,
  fontFaces = '',
  language = 'en',
}: Page): string {
  let figures = 0;
  const body = sections.map((section, i) => {
    const tables = section.tables?.map(tableHtml) ?? [];
    const drawn = section.figures?.map((figure) => figureHtml(figure, `figure-${++figures}`)) ?? [];
    return `<section id="section-${i + 1}" aria-labelledby="heading-${i + 1}">
<h2 id="heading-${i + 1}">${escapeText(section.heading)}</h2>
${paragraphs(section.text ?? '')}
${tables.join('\n')}
${drawn.length > 0 ? `<div class="figures">${drawn.join('\n')}</div>` : ''}
</section>`;
  });
  const links = sections.map((s, i) => `<li><a href="#section-${i + 1}">${escapeText(s.heading)}</a></li>`);
  const factRows = facts.map(
    ([name, value]) => `<div><dt>${escapeText(name)}</dt><dd>${escapeText(String(value))}</dd></div>`,
  );
  return `<!doctype html>
<html lang="${escapeText(language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeText(title)}</title>
<link rel="icon" href="data:,">
<style>${fontFaces}${style}</style>
</head>
<body>
<header>
<h1>${escapeText(title)}</h1>
<p class="lead">${escapeText(lead)}</p>
<dl class="facts">${factRows.join('')}</dl>
<nav aria-label="Sections"><ul>${links.join('')}</ul></nav>
</header>
<main>
${body.join('\n')}
</main>
<footer>${paragraphs(footer)}</footer>
</body>
</html>
`;
}

const paragraphs = (text: string) =>
  text
    .split(/\n\s*\n/)
    .filter((p) => p.trim() !== '')
    .map((p) => `<p>${escapeText(p.trim())}</p>`)
    .join('\n');

function tableHtml({ caption, head, rows }: PageTable): string {
  const cell = (value: string | number, i: number) => {
    const text = escapeText(String(value));
    return i === 0
      ? `<th scope="row">${text}</th>`
      : `<td${/\d/.test(text) ? ' class="number"' : ''}>${text}</td>`;
  };
  const columns = head.map((name) => `<th scope="col">${escapeText(name)}</th>`).join('');
  return `<div class="table" role="region" aria-label="${escapeText(caption)}" tabindex="0"><table>
<caption>${escapeText(caption)}</caption>
<thead><tr>${columns}</tr></thead>
<tbody>${rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n')}</tbody>
</table></div>`;
}

function figureHtml({ svg, caption, alt }: PageFigure, id: string): string {
  const box = /viewBox="([-\d. ]+)"/.exec(svg)?.[1] ?? '0 0 800 400';
  const width = Number(box.split(' ')[2]);
  const label = escapeText(alt);
  return `<figure style="width:${width}px">
<button type="button" popovertarget="${id}-large" aria-label="Enlarge: ${label}">${svg.replace('<svg ', `<svg id="${id}" `)}</button>
<figcaption>${escapeText(caption)}</figcaption>
<div id="${id}-large" class="large" popover>
<button type="button" popovertarget="${id}-large" popovertargetaction="hide" autofocus>Close</button>
<div class="sheet" role="img" aria-label="${label}"><svg viewBox="${box}" aria-hidden="true"><use href="#${id}"/></svg></div>
<p>${escapeText(caption)}</p>
</div>
</figure>`;
}
