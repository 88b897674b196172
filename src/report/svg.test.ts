// Property: whatever stands in a label, the SVG is well formed and its lines fit.
import { Resvg } from '@resvg/resvg-js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { element, escapeText, fitText, sheet, textWidth, wrapParts } from './svg.ts';

const anything = fc.string({ unit: 'binary' });

test('special characters are escaped', () => {
  expect(escapeText(`<a href="x">&'`)).toBe('&lt;a href=&quot;x&quot;&gt;&amp;&#39;');
  expect(escapeText('a\u0000b\ud800c\uffffd')).toBe('a\ufffdb\ufffdc\ufffdd');
});

test('any label gives XML that can be read', () => {
  fc.assert(
    fc.property(anything, anything, (title, part) => {
      const { svg } = sheet({ title, subtitle: [part] }, { width: 200, height: 10, svg: '' });
      expect(() => new Resvg(svg, { font: { loadSystemFonts: false } })).not.toThrow();
    }),
  );
});

test('attributes: undefined is left out, numbers are rounded', () => {
  expect(element('rect', { x: 1 / 3, y: undefined, fill: '"' })).toBe('<rect x="0.33" fill="&quot;"/>');
});

test('a fitted text is no wider than asked and keeps both ends', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 60, max: 300 }), (content, width) => {
      expect(textWidth(fitText(content, width, 12), 12)).toBeLessThanOrEqual(width);
    }),
  );
  const long = `recordings/${'very'.repeat(40)}/3_jackson_0.wav`;
  expect(fitText(long, 200, 12)).toMatch(/^recordings\/.*….*jackson_0\.wav$/);
});

test('parts are wrapped in order', () => {
  expect(wrapParts(['a', 'b'], 100, 12)).toEqual(['a · b']);
  expect(wrapParts(['aaaaaaaa', 'bbbbbbbb'], 60, 12)).toEqual(['aaaaaaaa', 'bbbbbbbb']);
  expect(wrapParts([], 60, 12)).toEqual([]);
});
