// Property: a page is whole in itself, and no text in it can become markup.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { confusionFigure } from './confusion.ts';
import { fontFaces } from './fonts.ts';
import { demoPage, type Page } from './page.ts';

const { svg } = confusionFigure(
  ['a', 'b'],
  [
    [1, 0],
    [0, 1],
  ],
  1,
);
const figure = { svg, caption: 'Counts', alt: 'A matrix' };
const page: Page = {
  title: 'What it listens to',
  lead: 'Lead.',
  facts: [['accuracy', '98.7 %']],
  sections: [
    { heading: 'One', text: 'First.\n\nSecond.', figures: [figure, figure] },
    { heading: 'Two', tables: [{ caption: 'By class', head: ['class', 'n'], rows: [['zero', 30]] }] },
  ],
  footer: 'End.',
};

test('nothing is fetched and nothing runs', () => {
  const html = demoPage({ ...page, fontFaces: fontFaces() });
  const addresses = [
    ...html.matchAll(/(?:\s(?:href|src|srcset|action|data)=|url\()["']?([^"')\s>]{0,40})/g),
  ].map((m) => m[1]!);
  expect(addresses.length).toBeGreaterThan(4);
  expect(addresses.filter((a) => !a.startsWith('#') && !a.startsWith('data:'))).toEqual([]);
  expect(html.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|<script|\son\w+=|@import/);
});

test('identifiers are unique and every reference has its target', () => {
  const html = demoPage(page);
  const ids = [...html.matchAll(/\sid="([^"]+)"/g)].map((m) => m[1]!);
  expect(new Set(ids).size).toBe(ids.length);
  const references = [...html.matchAll(/(?:href="#|popovertarget="|aria-labelledby=")([^"]+)"/g)].map(
    (m) => m[1]!,
  );
  expect(references.filter((r) => !ids.includes(r))).toEqual([]);
});

test('what people write stays text', () => {
  const tags = (html: string) => [...html.matchAll(/<\/?[a-z][^\s>]*/gi)].map((m) => m[0]);
  const written = (text: string): Page => ({
    title: text,
    lead: text,
    facts: [[text, text]],
    sections: [
      {
        heading: text,
        tables: [{ caption: text, head: [text], rows: [[text]] }],
        figures: [{ svg, caption: text, alt: text }],
      },
    ],
    footer: '',
  });
  const expected = tags(demoPage(written('x')));
  fc.assert(
    fc.property(
      fc.string(),
      fc.constantFrom('', '<b>', '"><script>', "' onclick='x", '&lt;', '</style>'),
      (a, b) => {
        expect(tags(demoPage(written(a + b)))).toEqual(expected);
      },
    ),
  );
  expect(demoPage(written('<&">'))).toContain('<h1>&lt;&amp;&quot;&gt;</h1>');
});

test('paragraphs, tables and figures', () => {
  const html = demoPage(page);
  expect(html).toContain('<p>First.</p>\n<p>Second.</p>');
  expect(html).toContain('<tr><th scope="row">zero</th><td class="number">30</td></tr>');
  expect(html.match(/<use href="#figure-\d"\/>/g)).toHaveLength(2);
  expect(html).toContain('aria-label="Enlarge: A matrix"');
});
