// Variations of recordings: each does what its name says, by an independent measure, and only what its seed says.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { random } from '../corpus/random.ts';
import { TrainingError } from '../errors.ts';
import { realTransform } from '../features/fft.ts';
import { modelInput } from '../features/input.ts';
import { defaultFeatures } from '../features/settings.ts';
import { augmentedClip, augmentedInput, checkAugmentation } from './augmented.ts';
import { changePitch, changeSpeed, stretch } from './interpolate.ts';
import { AUGMENTATIONS, type Augmentation, augmentationFromText, parseAugmentation } from './settings.ts';
import { maskStripes, warpedSpectrum } from './spectrum.ts';
import { equalizerCurve, filtered, noise, roomResponse } from './surroundings.ts';

const RATE = 8000;
const { none, light, strong } = AUGMENTATIONS;
const only = (changes: Partial<Augmentation>): Augmentation => ({ ...none, ...changes });
const tone = (hertz: number, length = RATE) =>
  Float32Array.from({ length }, (_, n) => 0.5 * Math.sin((2 * Math.PI * hertz * n) / RATE));

/** Hz of the strongest bin of the middle half. */
function pitchOf(x: Float32Array): number {
  const size = 2048;
  const from = (x.length - size) >> 1;
  const X = realTransform(size)(
    Float64Array.from({ length: size }, (_, n) => x[from + n] * Math.sin((Math.PI * n) / size) ** 2),
  );
  let best = 0;
  const power = (k: number) => X[2 * k] ** 2 + X[2 * k + 1] ** 2;
  const powers = Array.from({ length: size / 2 }, (_, k) => power(k));
  for (let k = 1; k < powers.length; k++) if (powers[k] > powers[best]) best = k;
  const [a, b, c] = [best - 1, best, best + 1].map((k) => Math.log(powers[k]));
  return ((best + (0.5 * (a - c)) / (a - 2 * b + c)) * RATE) / size;
}
const rms = (x: ArrayLike<number>) => Math.hypot(...Array.from(x)) / Math.sqrt(x.length);

describe('voice', () => {
  it.each([0.9, 1.1, 1.25])(
    'at %s of the speed a tone is as much higher and shorter, with errors below −55 dB',
    (factor) => {
      const fast = changeSpeed(tone(440), factor);
      expect(fast.length).toBe(Math.round(RATE / factor));
      const inner = (x: Float32Array) => x.subarray(200, -200);
      const wanted = Float32Array.from(
        fast,
        (_, n) => 0.5 * Math.sin((2 * Math.PI * 440 * factor * n) / RATE),
      );
      expect(rms(inner(fast.map((v, n) => v - wanted[n]))) / rms(wanted)).toBeLessThan(10 ** (-55 / 20));
    },
  );

  it('played faster, what would fold back is gone', () => {
    expect(rms(changeSpeed(tone(3900), 1.2).subarray(200, -200))).toBeLessThan(0.5 * 10 ** (-40 / 20));
  });

  it.each([0.8, 1.3])('stretched by %s a tone is as much longer at its pitch', (factor) => {
    const long = stretch(tone(440), factor, RATE);
    expect(long.length).toBe(Math.round(RATE * factor));
    expect(Math.abs(pitchOf(long) - 440)).toBeLessThan(2);
  });

  it.each([-2, 1.5])('%s semitones move the pitch at the same length', (semitones) => {
    const moved = changePitch(tone(440), semitones, RATE);
    expect(Math.abs(moved.length - RATE)).toBeLessThanOrEqual(1);
    expect(Math.abs(pitchOf(moved) / (440 * 2 ** (semitones / 12)) - 1)).toBeLessThan(0.005);
  });
});

describe('surroundings', () => {
  it('a room adds as much energy as it is wet, and falls by 60 dB in its time', () => {
    const h = roomResponse(0.4, 0.5, RATE, random(1));
    expect(h.subarray(1).reduce((s, v) => s + v * v, 0)).toBeCloseTo(0.5, 9);
    const level = (at: number) => 20 * Math.log10(rms(h.subarray(at, at + 200)));
    expect(level(100) - level(100 + 0.2 * RATE)).toBeGreaterThan(27);
    expect(level(100) - level(100 + 0.2 * RATE)).toBeLessThan(33);
  });

  it('filtering by a room is the convolution with it', () => {
    const draw = random(2);
    const x = Float32Array.from({ length: 300 }, () => draw() - 0.5);
    const h = roomResponse(0.05, 1, RATE, draw);
    const wanted = x.map((_, n) => h.reduce((s, v, k) => s + (k <= n ? v * x[n - k] : 0), 0));
    const got = filtered(x, RATE, h, []);
    expect(Math.max(...got.map((v, n) => Math.abs(v - wanted[n])))).toBeLessThan(1e-6);
  });

  it('an equalizer scales a tone by its gain, without delay', () => {
    const curve = { hertz: [250, 500, 1000, 2000], decibels: [0, 6, -6, 0] };
    const x = tone(1000);
    const y = filtered(x, RATE, null, [curve]);
    const inner = (v: Float32Array) => v.subarray(2000, 6000);
    expect(rms(inner(y.map((v, n) => v - x[n] * 10 ** (-6 / 20)))) / rms(x)).toBeLessThan(0.01);
    expect(equalizerCurve(RATE, 6, random(0)).decibels.every((d) => Math.abs(d) <= 6)).toBe(true);
  });

  it.each([
    ['white', 0],
    ['pink', -3],
    ['brown', -6],
  ] as const)('%s noise falls by %s dB an octave', (colour, slope) => {
    const x = noise(2 ** 16, colour, random(3));
    expect(rms(x)).toBeCloseTo(1, 5);
    const X = realTransform(2 ** 16)(Float64Array.from(x));
    const level = (low: number, high: number) => {
      let sum = 0;
      for (let k = low; k < high; k++) sum += X[2 * k] ** 2 + X[2 * k + 1] ** 2;
      return 10 * Math.log10(sum / (high - low));
    };
    // Four octaves: 250 … 500 Hz to 4000 … 8000 Hz at 32 kHz, say.
    expect((level(8192, 16384) - level(512, 1024)) / 4).toBeCloseTo(slope, 0);
  });
});

describe('spectrum', () => {
  it('a shorter vocal tract moves what is below the bend up by its factor, and keeps the ends', () => {
    const rows = 101;
    const S = { rows, columns: 1, data: Float64Array.from({ length: rows }, (_, k) => k) };
    const { data } = warpedSpectrum(S, 1.25);
    for (const k of [0, 10, 40, 80]) expect(data[k]).toBeCloseTo(k / 1.25, 9);
    expect(data[100]).toBeCloseTo(100, 9);
    expect(Array.from(data)).toEqual([...data].sort((a, b) => a - b));
  });

  it('stripes are blank over all of the other axis', () => {
    const m = { rows: 24, columns: 40, data: new Float64Array(960).fill(1) };
    maskStripes(m, { frames: 1, bins: 1 }, 0, () => 0.999);
    const blank = [...m.data].filter((v) => v === 0).length;
    expect(blank).toBe(5 * 24 + 4 * 40 - 20);
  });
});

describe('all of it', () => {
  const voice = changeSpeed(tone(300, 4000), 1);
  const settings = defaultFeatures('logmel', RATE, 0.8);

  it('nothing varied is the input itself', () => {
    expect(augmentedInput(voice, settings, none, 7)).toEqual(modelInput(voice, settings));
  });

  it.each(['logmel', 'mfcc', 'spectrogram', 'waveform'] as const)('%s: the seed alone decides', (kind) => {
    const s = defaultFeatures(kind, RATE, 0.8);
    const a = kind === 'waveform' ? { ...strong, tract: 0, binMasks: 0 } : strong;
    const [one, again, other] = [5, 5, 6].map((seed) => augmentedInput(voice, s, a, seed));
    expect(again).toEqual(one);
    expect(other.data).not.toEqual(one.data);
    expect(one.data.every(Number.isFinite)).toBe(true);
  });

  it('noise fills the clip, or ends where the recording ends', () => {
    const heard = (cut: number) =>
      augmentedClip(voice, settings, only({ noise: 1, snr: [0, 0], cut }), 1).map((v) => (v === 0 ? 0 : 1));
    expect(heard(0).every((v) => v === 1)).toBe(true);
    expect(heard(1).every((v, n) => v === (n >= 1200 && n < 5200 ? 1 : 0))).toBe(true);
  });

  it('a clip is shifted by no more than its share, and what is not there is silence', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const clip = augmentedClip(voice, settings, only({ shift: 0.1 }), seed);
        const first = clip.findIndex((v) => v !== 0);
        expect(clip).toHaveLength(6400);
        expect(Math.abs(first - 1201)).toBeLessThanOrEqual(641);
      }),
      { numRuns: 50 },
    );
  });

  it('noise has the ratio it is asked for', () => {
    const clean = augmentedClip(voice, settings, none, 3);
    const noisy = augmentedClip(voice, settings, only({ noise: 1, snr: [10, 10] }), 3);
    const added = noisy.map((v, n) => v - clean[n]);
    expect(20 * Math.log10(rms(voice) / rms(added))).toBeCloseTo(10, 3);
  });

  it('a share is a share of the seeds', () => {
    const clean = augmentedClip(voice, settings, none, 0);
    const changed = Array.from({ length: 400 }, (_, seed) =>
      augmentedClip(voice, settings, only({ noise: 0.25 }), seed).some((v, n) => v !== clean[n]),
    ).filter(Boolean).length;
    expect(Math.abs(changed / 400 - 0.25)).toBeLessThan(0.07);
  });
});

describe('settings', () => {
  it('are typed as names and amounts, the later over the earlier', () => {
    expect(augmentationFromText('light')).toEqual(light);
    expect(augmentationFromText('strong, speed=0,snr=0:30')).toEqual({ ...strong, speed: 0, snr: [0, 30] });
  });

  it.each([
    ['loud', /expected none, light, strong, or settings like shift=0.1, got loud/],
    ['shift=2', /augmentation: shift: .*got 2/],
    ['snr=30:0', /snr: expected two numbers, the smaller first/],
    ['volume=3', /expected settings among shift, .*got volume/],
    ['noise=much', /noise/],
  ])('%s is refused', (text, message) => {
    expect(() => augmentationFromText(text)).toThrow(TrainingError);
    expect(() => augmentationFromText(text)).toThrow(message);
  });

  it('what is done in the spectrum is refused for samples', () => {
    const waveform = defaultFeatures('waveform', RATE, 1);
    expect(() => checkAugmentation(strong, waveform)).toThrow(/tract: expected a model of spectrograms/);
    expect(() => checkAugmentation(parseAugmentation({ speed: 0.1 }), waveform)).not.toThrow();
  });
});
