// Oracle: the PNG says, to another decoder, the colours that went in.
import { Resvg } from '@resvg/resvg-js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Rgb } from './colours.ts';
import { rasterUri } from './raster.ts';
import { image } from './svg.ts';

test('every pixel comes back, enlarged with hard edges', () => {
  const side = fc.integer({ min: 1, max: 9 });
  fc.assert(
    fc.property(side, side, fc.integer({ min: 0, max: 250 }), (rows, columns, seed) => {
      const colour = (r: number, c: number): Rgb => [(seed + 20 * r) % 256, (seed + 27 * c) % 256, seed];
      const picture = image(0, 0, 3 * columns, 3 * rows, rasterUri(rows, columns, colour));
      const size = `width="${3 * columns}" height="${3 * rows}"`;
      const { pixels } = new Resvg(
        `<svg xmlns="http://www.w3.org/2000/svg" ${size}>${picture}</svg>`,
      ).render();
      for (let y = 0; y < 3 * rows; y++) {
        for (let x = 0; x < 3 * columns; x++) {
          const at = 4 * (y * 3 * columns + x);
          expect([...pixels.subarray(at, at + 3)]).toEqual(colour(Math.floor(y / 3), Math.floor(x / 3)));
        }
      }
    }),
    { numRuns: 30 },
  );
});
