// Resampling: length, phase, pass band, alias rejection, both ends, in blocks; against a sum of sincs, soxr and SciPy.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import golden from '../../test/golden/resample.json' with { type: 'json' };
import { random } from '../corpus/random.ts';
import { createResampler, resample } from './resample.ts';
import { impulseResponse, REACH } from './resample-filter.ts';

const sine = (hz: number, sampleRate: number, seconds: number) => ({
  samples: Float32Array.from({ length: Math.round(seconds * sampleRate) }, (_, i) =>
    Math.sin((2 * Math.PI * hz * i) / sampleRate + 0.3),
  ),
  sampleRate,
});
/** Largest difference to the sine itself, away from the ends by the sinc's half length. */
const worst = (samples: Float32Array, hz: number, sampleRate: number, edge: number) =>
  samples
    .slice(edge, -edge)
    .reduce(
      (w, s, i) => Math.max(w, Math.abs(s - Math.sin((2 * Math.PI * hz * (i + edge)) / sampleRate + 0.3))),
      0,
    );
/** Mean power away from the ends; that of a sine of amplitude 1 is ½. */
const power = (samples: Float32Array, edge: number) =>
  samples.slice(edge, -edge).reduce((sum, s) => sum + s * s, 0) / (samples.length - 2 * edge);
const decibel = (ratio: number) => 10 * Math.log10(ratio);

const noise = (length: number) => {
  const next = random(length);
  return Float32Array.from({ length }, () => 2 * next() - 1);
};
const largest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, v, i) => Math.max(most, Math.abs(v - b[i])), 0);

const down: [number, number][] = [
  [48000, 8000],
  [44100, 8000],
  [22050, 16000],
  [384000, 48000],
];
const up: [number, number][] = [
  [8000, 16000],
  [16000, 22050],
];

describe.each([...down, ...up])('%i Hz to %i Hz', (from, to) => {
  const low = Math.min(from, to);
  const edge = Math.ceil((160 * to) / low);

  it('gives ⌈n · to / from⌉ samples, in phase, to 1e-6', async () => {
    const hz = 0.11 * low;
    const { samples, sampleRate } = await resample(sine(hz, from, 0.3), to);
    expect([samples.length, sampleRate]).toEqual([Math.ceil((Math.round(0.3 * from) * to) / from), to]);
    expect(worst(samples, hz, to, edge)).toBeLessThan(1e-6);
  });

  it('passes 90 % of the band within 0.001 dB', async () => {
    for (const share of [0.02, 0.5, 0.9]) {
      const hz = (share * low) / 2;
      const { samples } = await resample(sine(hz, from, 0.3), to);
      expect(worst(samples, hz, to, edge), `${share}`).toBeLessThan(10 ** (0.001 / 20) - 1);
    }
  });
});

// What is left of a tone above the band is no tone but the rounding of the input and the output to float32.
it.each(down)('%i Hz to %i Hz rejects what would alias by 145 dB', async (from, to) => {
  for (const share of [1.02, 1.3, from / to - 0.05]) {
    const { samples } = await resample(sine((share * to) / 2, from, 0.3), to);
    expect(decibel(power(samples, 160) / 0.5), `${share} of the band`).toBeLessThan(-145);
  }
});

/** Blocks in frequency; lengths with primes, with factors of two and of seven; interpolated sincs. */
const rates: [number, number][] = [
  [48000, 16000],
  [16000, 8000],
  [44100, 16000],
  [8000, 44100],
  [48000, 31000],
  [44100, 15999],
  [8000, 8001],
  [8000, 256 * 8000],
];

describe('oracle: the sum of sincs', () => {
  it.each(rates)('%i Hz to %i Hz, to 2e-7', async (from, to) => {
    const samples = noise(600);
    const { samples: ours } = await resample({ samples, sampleRate: from }, to);
    expect(ours.length).toBe(Math.ceil((600 * to) / from));
    const scale = Math.min(1, to / from);
    const every = Math.ceil(ours.length / 300);
    for (let i = 0; i < ours.length; i += i < 20 || i > ours.length - 20 ? 1 : every) {
      const at = (i * from) / to;
      let sum = 0;
      const last = Math.min(599, Math.floor(at + REACH / scale));
      for (let n = Math.max(0, Math.ceil(at - REACH / scale)); n <= last; n++) {
        sum += scale * samples[n] * impulseResponse(scale * (at - n));
      }
      expect(Math.abs(ours[i] - sum), `${i}`).toBeLessThan(2e-7);
    }
  });
});

describe.each(golden.cases)('golden: $from Hz to $to Hz', ({ from, to, ...expected }) => {
  const length = Math.round(golden.seconds * from);
  const samples = Float32Array.from({ length }, (_, t) => {
    let sum = 0;
    for (let j = 1; j < 13; j++) sum += Math.sin((0.05 * Math.PI * j * Math.min(from, to) * t) / from + j);
    return (sum / 12) * Math.sin((Math.PI * (t + 0.5)) / length) ** 4;
  });

  // soxr is itself so far from SciPy, whose filter has 128 samples of the lower rate and β = 14.
  it.each([
    ['scipy', 1e-7],
    ['soxr', 5e-6],
  ] as const)('%s, to %d', async (name, bound) => {
    const { samples: ours } = await resample({ samples, sampleRate: from }, to);
    expect(ours.length).toBe(expected[name].length);
    expect(largest(ours, expected[name])).toBeLessThan(bound);
  });
});

describe('property: in blocks of any lengths the same to the bit', () => {
  it.each(rates.slice(0, -1))('%i Hz to %i Hz', async (from, to) => {
    const samples = noise(20_000);
    const { samples: whole } = await resample({ samples, sampleRate: from }, to);
    const resampler = createResampler(from, to);
    const lengths = fc.array(fc.oneof(fc.nat(3), fc.nat(9000)), { maxLength: 8 });
    fc.assert(
      fc.property(lengths, (cuts) => {
        const parts: number[] = [];
        let at = 0;
        for (const length of cuts) {
          parts.push(...resampler.push(samples.subarray(at, at + length)));
          at = Math.min(at + length, samples.length);
        }
        parts.push(...resampler.push(samples.subarray(at)), ...resampler.end());
        expect(parts.length).toBe(whole.length);
        expect(parts.findIndex((v, i) => v !== whole[i])).toBe(-1);
      }),
      { numRuns: 8 },
    );
  });
});

it('minutes go through in blocks, the last of them when it ends', () => {
  const resampler = createResampler(48000, 8000);
  const second = new Float32Array(48000).fill(0.5);
  let [given, most] = [0, 0];
  for (let s = 0; s < 300; s++) {
    const ready = resampler.push(second);
    given += ready.length;
    most = Math.max(most, 8000 * (s + 1) - given);
  }
  expect(given + resampler.end().length).toBe(300 * 8000);
  expect(most).toBeLessThan(2 * 8000);
});

it('nothing in, nothing out', () => {
  const resampler = createResampler(48000, 8000);
  expect(resampler.push(new Float32Array(0)).length + resampler.end().length).toBe(0);
});

it('keeps the very last samples, where the filter reaches beyond the recording', async () => {
  const samples = new Float32Array(1000).fill(1);
  const { samples: twice } = await resample({ samples, sampleRate: 8000 }, 16000);
  expect(twice.length).toBe(2000);
  for (const i of [0, 1998]) expect(twice[i]).toBeGreaterThan(0.4);
  expect(twice[1000]).toBeCloseTo(1, 6);
});

it('short recordings', async () => {
  for (const n of [1, 2, 7]) {
    const audio = { samples: new Float32Array(n).fill(0.5), sampleRate: 48000 };
    expect((await resample(audio, 8000)).samples.length).toBe(Math.ceil(n / 6));
  }
});

it('long recordings go through in blocks without a seam', async () => {
  const long = sine(440, 48000, 25);
  const { samples } = await resample(long, 16000);
  expect(samples.length).toBe(25 * 16000);
  expect(worst(samples, 440, 16000, 160)).toBeLessThan(1e-6);
});

it('recordings one after the other do not touch each other', async () => {
  const first = await resample(sine(440, 22050, 0.1), 8000);
  await resample(sine(100, 22050, 0.2), 8000);
  expect(await resample(sine(440, 22050, 0.1), 8000)).toEqual(first);
});

it('equal rates give the recording itself', async () => {
  const audio = sine(440, 8000, 0.01);
  expect(await resample(audio, 8000)).toBe(audio);
});

it.each([0, -1, 0.5, Number.NaN, 8000 * 257])('refuses %s Hz', async (rate) => {
  await expect(resample(sine(440, 8000, 0.01), rate)).rejects.toThrow(/cannot resample from 8000 Hz/);
});
