// Snapshot and property: where relevance lies, drawn; spectra as maps; both below a clip's own map.
import { expect, it } from 'vitest';
import type { Profile } from '../hertz/profile.ts';
import { explanationFigure } from './explanation.ts';
import { profileSvg } from './profile.ts';
import { spectrumMap } from './spectrum.ts';

const profile: Profile = {
  positive: 3,
  negative: 1,
  thirdOctaves: [
    { name: '< 178', low: 0, high: 178, positive: 0, negative: 1 },
    { name: '200', low: 178, high: 224, positive: 0.25, negative: 0 },
    { name: '250', low: 224, high: 282, positive: 0.75, negative: 0 },
  ],
  named: [
    { name: 'below 300 Hz', low: 0, high: 300, positive: 1, negative: 0.5 },
    { name: 'F1, 300–900 Hz', low: 300, high: 400, positive: 0, negative: 0.5 },
  ],
  mel: [],
  time: { times: [0, 0.1, 0.2, 0.3], positive: [0.5, 0.5, 0, 0], negative: [0, 0, 0, 1] },
};
const place = { columns: [{ x: 50, width: 800 }], width: 900 };
const three = { columns: [0, 300, 600].map((x) => ({ x, width: 200 })), width: 900 };

it('draws shares of all relevance', () => {
  const { svg, width, height } = profileSvg(profile, three);
  expect(svg.replaceAll('><', '>\n<')).toMatchSnapshot();
  expect([width, height]).toEqual([900, 170]);
  expect(svg).toContain('>75 %<'); // 1 of 3 parts of 4
  expect(svg).toContain('>13 %<');
});

it('divides one place by three', () => {
  const { svg } = profileSvg(profile, place);
  expect(svg.match(/translate\(\d+(\.\d+)? 20\)/g)).toEqual([
    'translate(50 20)',
    'translate(338 20)',
    'translate(626 20)',
  ]);
});

it.each([
  ['nothing', { positive: 0, negative: 0 }],
  ['nothing against', { negative: 0 }],
  ['nothing for', { positive: 0 }],
])('is finite for %s', (_, change) => {
  expect(profileSvg({ ...profile, ...change }, three).svg).not.toMatch(/NaN|Infinity/);
});

const grid = (rows: number, columns: number, value: (row: number, column: number) => number) => ({
  rows,
  columns,
  data: Float64Array.from({ length: rows * columns }, (_, i) => value(Math.floor(i / columns), i % columns)),
});

it('shows magnitudes of any exponent in the same decibels', () => {
  const frequencies = Float64Array.of(0, 100, 200);
  const times = Float64Array.of(0, 1);
  const [one, two] = [1, 2].map((exponent) =>
    spectrumMap({
      relevance: grid(3, 2, () => 1),
      magnitude: grid(3, 2, (r, c) => (10 ** -r * c) ** exponent),
      exponent,
      frequencies,
      times,
    }),
  );
  expect(Array.from(one!.features.data, Math.round)).toEqual([-80, 0, -80, -20, -80, -40]);
  for (const [i, v] of two!.features.data.entries()) expect(v).toBeCloseTo(one!.features.data[i]!, 9);
});

it('puts the bins of long transforms together and loses no relevance', () => {
  const map = spectrumMap({
    relevance: grid(1025, 3, (r) => r),
    magnitude: grid(1025, 3, (r, c) => (r === 6 && c === 1 ? 1 : 0.01)),
    exponent: 2,
    frequencies: Float64Array.from({ length: 1025 }, (_, k) => 10 * k),
    times: Float64Array.of(0, 1, 2),
  });
  expect([map.features.rows, map.relevance.rows, map.frequencies?.length]).toEqual([257, 257, 257]);
  expect(map.features.data[3 + 1]).toBe(0); // bin 6 is in row 1
  expect(Array.from(map.relevance.data.subarray(0, 4))).toEqual([6, 6, 6, 22]);
  expect(map.frequencies?.[1]).toBe(55);
  expect(Array.from(map.relevance.data).reduce((a, b) => a + b)).toBe((3 * 1024 * 1025) / 2);
});

it('stands below the map and its spectrum, on the same columns', () => {
  const picture = {
    features: grid(2, 3, (r, c) => r + c),
    relevance: grid(2, 3, (r) => 1000 * r),
    times: [0, 0.1, 0.2],
    frequencies: null,
    featureLabel: 'MFCC',
    title: 'both',
  };
  const spectrum = { ...picture, frequencies: [0, 100], relevance: grid(2, 3, (r) => 1 - r) };
  const { svg, data, height } = explanationFigure({ ...picture, spectrum, profile });
  for (const title of ['Input', 'Relevance in hertz', 'Relevance over the spectrogram', 'By third octave']) {
    expect(svg).toContain(`>${title}<`);
  }
  expect(height).toBeGreaterThan(2 * explanationFigure(picture).height);
  expect(data.spectrum?.relevance).toEqual([
    [1, 1, 1],
    [0, 0, 0],
  ]);
  expect(data.profile).toBe(profile);
  const columns = [...svg.matchAll(/<g transform="translate\((\d+(?:\.\d+)?) 0\)"><text x="0" y="-7"/g)].map(
    ([, x]) => x,
  );
  expect(columns).toHaveLength(6);
  expect(columns.slice(0, 3)).toEqual(columns.slice(3));
});
