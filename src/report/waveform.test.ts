// Snapshot and errors: the picture of an explained waveform.
import { expect, test } from 'vitest';
import { EarmarkError } from '../errors.ts';
import { waveformFigure } from './waveform.ts';

const picture = {
  samples: Float32Array.of(0, 0.5, -0.25, 1),
  relevance: Float32Array.of(0, 1.5, -0.5, 0.25),
  times: [0, 0.001, 0.002, 0.003],
  featureLabel: 'amplitude',
  title: 'Predicted “five” (98.7 %)',
  subtitle: ['a.wav', 'epsilon'],
};

test('four samples', () => {
  const { svg, data } = waveformFigure(picture);
  expect(svg.replaceAll('><', '>\n<')).toMatchSnapshot();
  expect(JSON.parse(JSON.stringify(data))).toEqual(data);
  expect(data.relevance).toEqual([0, 1.5, -0.5, 0.25]);
});

test('a long clip is drawn in as many columns as there are pixels, and no relevance is lost', () => {
  const length = 10_000;
  const samples = Float32Array.from({ length }, (_, n) => Math.sin(n / 50));
  const relevance = new Float32Array(length);
  relevance[5432] = 1;
  relevance[5433] = -0.5;
  const { svg } = waveformFigure({
    ...picture,
    samples,
    relevance,
    times: Float64Array.from({ length }, (_, n) => n / 8000),
  });
  expect(svg.match(/<line [^>]*stroke="#[^"]*" stroke-width="1"/g)).toHaveLength(760);
  const polygons = [...svg.matchAll(/<polygon points="([^"]+)"/g)].map(([, points]) =>
    points!.split(' ').map((p) => Number(p.split(',')[1])),
  );
  expect(polygons).toHaveLength(2);
  expect(Math.min(...polygons[0]!)).toBe(0); // +1 reaches the top,
  expect(Math.max(...polygons[1]!)).toBe(112.5); // −0.5 half of the way to the bottom
});

test('silence without relevance, and a single sample', () => {
  const zeros = new Float32Array(4);
  expect(waveformFigure({ ...picture, samples: zeros, relevance: zeros }).svg).not.toMatch(/NaN|Infinity/);
  const one = { samples: Float32Array.of(0.5), relevance: Float32Array.of(1), times: [0] };
  expect(waveformFigure({ ...picture, ...one }).svg).not.toMatch(/NaN|Infinity/);
});

test.each([
  ['another length', { relevance: Float32Array.of(1) }],
  ['times of another length', { times: [0] }],
  ['NaN', { samples: Float32Array.of(0, Number.NaN, 0, 0) }],
  ['infinite relevance', { relevance: Float32Array.of(0, Number.POSITIVE_INFINITY, 0, 0) }],
  ['nothing', { samples: new Float32Array(0), relevance: new Float32Array(0), times: [] }],
])('refuses %s', (_, change) => {
  expect(() => waveformFigure({ ...picture, ...change })).toThrow(EarmarkError);
});
