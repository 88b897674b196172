// Property: the relevance colours are symmetric, even and within sRGB.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { overlayColour, type Rgb, relevanceColour, spectrogramColour, textOn } from './colours.ts';

/** sRGB to OKLab, the way back from what colours.ts computes; Ottosson 2020. */
function oklab(rgb: Rgb): { lightness: number; chroma: number; hue: number } {
  const [r, g, b] = rgb.map((v) =>
    v <= 10.31475 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4,
  ) as [number, number, number];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  const a = 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s;
  const bb = 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s;
  const lightness = 0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s;
  return { lightness, chroma: Math.hypot(a, bb), hue: (Math.atan2(bb, a) * 180) / Math.PI };
}

const amount = fc.double({ min: 0, max: 1, noNaN: true });

test('no relevance is exactly white', () => {
  expect(relevanceColour(0)).toEqual([255, 255, 255]);
  expect(relevanceColour(-0)).toEqual([255, 255, 255]);
});

test('equal amounts for and against are equally light and equally strong in colour', () => {
  fc.assert(
    fc.property(amount, (v) => {
      const [red, blue] = [oklab(relevanceColour(v)), oklab(relevanceColour(-v))];
      expect(Math.abs(red.lightness - blue.lightness)).toBeLessThan(0.01);
      expect(Math.abs(red.chroma - blue.chroma)).toBeLessThan(0.015);
    }),
  );
});

test('more relevance is never lighter, and beyond the limit nothing changes', () => {
  fc.assert(
    fc.property(amount, amount, fc.constantFrom(-1, 1), (a, b, sign) => {
      const [less, more] = [Math.min(a, b), Math.max(a, b)].map(
        (v) => oklab(relevanceColour(sign * v)).lightness,
      );
      expect(more!).toBeLessThanOrEqual(less! + 0.01);
      expect(relevanceColour(sign * (1 + a))).toEqual(relevanceColour(sign));
    }),
  );
});

test('for is red, against is blue', () => {
  expect(oklab(relevanceColour(1)).hue).toBeCloseTo(27, -1);
  expect(oklab(relevanceColour(-1)).hue + 360).toBeCloseTo(258, -1);
});

test('levels rise from black to pale, evenly in lightness', () => {
  const lightness = Array.from({ length: 101 }, (_, i) => oklab(spectrogramColour(i / 100)).lightness);
  expect(lightness.every((l, i) => i === 0 || l >= lightness[i - 1]! - 1e-3)).toBe(true);
  expect(lightness[0]).toBeLessThan(0.1);
  expect(lightness[100]).toBeGreaterThan(0.95);
});

test('without relevance the overlay is grey, with it red or blue', () => {
  fc.assert(
    fc.property(amount, (level) => {
      const [r, g, b] = overlayColour(level, 0);
      expect([g, b]).toEqual([r, r]);
      expect(overlayColour(level, 1)[0]).toBeGreaterThan(overlayColour(level, 1)[2]);
      expect(overlayColour(level, -1)[2]).toBeGreaterThan(overlayColour(level, -1)[0]);
    }),
  );
});

test('text stands out from its ground', () => {
  expect(textOn([255, 255, 255])).toBe('#1a1a1a');
  expect(textOn([20, 40, 120])).toBe('#ffffff');
});
