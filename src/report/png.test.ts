// Oracle: another reading of the PNG shows text, drawn with nothing but the shipped font.
import { Resvg } from '@resvg/resvg-js';
import { expect, test } from 'vitest';
import { FileError } from '../errors.ts';
import { fontFaces } from './fonts.ts';
import { svgToPng } from './png.ts';
import { sheet } from './svg.ts';

const { svg, width, height } = sheet(
  { title: 'Σ relevance −3 ≥ 10⁻⁵ “é”' },
  { width: 300, height: 20, svg: '' },
);

/** Pixels of a PNG that are darker than mid grey. */
function darkPixels(png: Uint8Array): number {
  const size = `width="${2 * width}" height="${2 * height}"`;
  const href = `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
  const { pixels } = new Resvg(
    `<svg xmlns="http://www.w3.org/2000/svg" ${size}><image ${size} href="${href}"/></svg>`,
  ).render();
  return Array.from({ length: pixels.length / 4 }, (_, i) => pixels[4 * i]!).filter((red) => red < 128)
    .length;
}

test('text renders without any font of the machine', () => {
  expect(darkPixels(svgToPng(svg))).toBeGreaterThan(500);
  expect(darkPixels(svgToPng(svg.replace(/<text.*?<\/text>/gs, '')))).toBe(0);
});

test('every glyph that figures use is in the font', () => {
  for (const glyph of 'Σ−≥≤×⁻⁰¹²³⁴⁵⁶⁷⁸⁹“”·–…|<') {
    const drawn = sheet({ title: glyph }, { width: 300, height: 20, svg: '' }).svg;
    expect(darkPixels(svgToPng(drawn)), glyph).toBeGreaterThan(3);
  }
});

test('the picture is as large as asked', () => {
  const at = (scale?: number) => new DataView(svgToPng(svg, { scale }).buffer.slice(16, 24)).getUint32(0);
  expect(at()).toBe(2 * width);
  expect(at(1)).toBe(width);
});

test('no SVG and no font file are refused', () => {
  expect(() => svgToPng('<svg')).toThrow(FileError);
  expect(() => svgToPng(svg, { fonts: ['/nowhere/font.ttf'] })).toThrow(
    /nowhere\/font.ttf: font file is missing/,
  );
});

test('the fonts of pages are in the page', () => {
  const sources = [...fontFaces().matchAll(/url\(([^)]{0,20})/g)].map((m) => m[1]);
  expect(sources).toEqual(['data:font/woff2;base', 'data:font/woff2;base']);
});
