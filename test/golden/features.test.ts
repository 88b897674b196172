// Golden: features as librosa computes them, from the reference fixtures and from test/golden/features.json.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { powerToDb } from '../../src/features/decibel.ts';
import { inputShape, modelInput } from '../../src/features/input.ts';
import { istft } from '../../src/features/istft.ts';
import { inputDims, toLayout } from '../../src/features/layout.ts';
import type { Matrix } from '../../src/features/matrix.ts';
import { melspectrogram } from '../../src/features/mel.ts';
import { mfcc } from '../../src/features/mfcc.ts';
import type { Signal } from '../../src/features/pad.ts';
import { parseFeatureSettings } from '../../src/features/settings.ts';
import { spectrogram, stft } from '../../src/features/stft.ts';
import { decodeNpy } from '../../src/files/npy.ts';
import { describeShared, sharedPath } from '../support/shared.ts';
import golden from './features.json' with { type: 'json' };

type Arguments = Record<string, unknown>;

/** librosa's argument names to ours; JSON holds infinity as text. */
function optionsOf(args: Arguments): Arguments {
  const camel = (name: string) => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  const infinite = (value: unknown) =>
    value === 'inf' ? Number.POSITIVE_INFINITY : value === '-inf' ? Number.NEGATIVE_INFINITY : value;
  return Object.fromEntries(
    Object.entries(args).map(([name, value]) => [
      name === 'sr' ? 'sampleRate' : camel(name),
      infinite(value),
    ]),
  );
}

const compute: Record<string, (y: Signal, args: Arguments) => Matrix> = {
  stft: (y, args) => spectrogram(y, optionsOf(args)),
  mel: (y, args) => melspectrogram(y, optionsOf(args)),
  logmel: (y, { ref, amin, top_db, ...args }) => {
    const decibel = Object.entries({ ref, amin, top_db }).filter(([, value]) => value !== undefined);
    return powerToDb(melspectrogram(y, optionsOf(args)), optionsOf(Object.fromEntries(decibel)));
  },
  mfcc: (y, args) => mfcc(y, optionsOf(args)),
  istft: (y, { length, ...args }) => {
    const X = stft(y, optionsOf(args));
    for (const i of X.re.keys()) {
      const [k, t] = [Math.floor(i / X.columns), i % X.columns];
      const gain = 0.5 + 0.5 * Math.cos(0.3 * k + 0.7 * t);
      const [c, s] = [gain * Math.cos(0.2 * k), gain * Math.sin(0.2 * k)];
      [X.re[i], X.im[i]] = [c * X.re[i] - s * X.im[i], s * X.re[i] + c * X.im[i]];
    }
    const data = istft(X, { ...optionsOf(args), length: length as number });
    return { rows: 1, columns: data.length, data };
  },
};
const inDecibels = (kind: string) => kind === 'logmel' || kind === 'mfcc';

const signals: Record<string, (n: number) => number> = {
  chirp: (n) => Math.sin(0.05 * n + 4e-4 * n ** 2),
  decay: (n) => Math.exp(-n / 300) * Math.cos(0.7 * n) + 0.01,
};

describe(`librosa ${golden.versions.librosa}`, () => {
  it.each(golden.cases.map((c) => [`${c.kind} of ${c.samples} samples ${JSON.stringify(c.arguments)}`, c]))(
    '%s',
    (_, c) => {
      const { kind, signal, samples, shape, rms, elements } = c as (typeof golden.cases)[number];
      const y = Float64Array.from({ length: samples }, (_, n) => signals[signal](n));
      const { rows, columns, data } = compute[kind](y, (c as { arguments: Arguments }).arguments);
      expect([rows, columns]).toEqual(shape);
      const tolerance = inDecibels(kind) ? 1e-3 : 1e-5 * rms;
      const ours = Math.sqrt(data.reduce((sum, v) => sum + v ** 2, 0) / data.length);
      expect(Math.abs(ours - rms), 'rms').toBeLessThanOrEqual(tolerance);
      elements.forEach((expected, i) => {
        const at = Math.floor(((data.length - 1) * i) / 7);
        expect(Math.abs(data[at] - expected), `element ${at}`).toBeLessThanOrEqual(tolerance);
      });
    },
  );

  it.each(golden.inputs.map((c) => [c.about, c] as const))('input of a model: %s', (_, c) => {
    const settings = parseFeatureSettings(c.settings);
    const y = Float32Array.from({ length: c.samples }, (_, n) => signals[c.signal](n));
    const input = modelInput(y, settings);
    expect([input.rows, input.columns]).toEqual(inputShape(settings));
    const dims = inputDims(settings.layout, inputShape(settings));
    const { bin, time } = { bin: settings.layout.indexOf('bin'), time: settings.layout.indexOf('time') };
    const axes = [bin, time].filter((axis) => axis >= 0).sort();
    expect(bin < 0 ? [1, dims[time]] : axes.map((axis) => dims[axis])).toEqual(c.shape);
    const values = toLayout(input, settings.layout);
    const tolerance = settings.scaling === 'power_to_db' ? 1e-3 : 1e-5 * Math.max(c.rms, 0.1);
    const ours = Math.sqrt(values.reduce((sum, v) => sum + v ** 2, 0) / values.length);
    expect(Math.abs(ours - c.rms), 'rms').toBeLessThanOrEqual(tolerance);
    c.elements.forEach((expected, i) => {
      const at = Math.floor(((values.length - 1) * i) / 7);
      expect(Math.abs(values[at] - expected), `element ${at}`).toBeLessThanOrEqual(tolerance);
    });
  });
});

describeShared('fixtures/features/cases.json', 'the reference fixtures', () => {
  interface Case {
    file: string;
    signal: string;
    sample_rate: number;
    arguments: Arguments;
  }
  const array = (file: string) => decodeNpy(readFileSync(sharedPath(`fixtures/features/${file}`)), file);

  it('all cases: stft and mel within 1e-5 of the largest value, decibels and MFCCs within 1e-3 dB', () => {
    const { cases } = JSON.parse(readFileSync(sharedPath('fixtures/features/cases.json'), 'utf8'));
    expect(cases.length).toBeGreaterThan(0);
    for (const c of cases as Case[]) {
      const kind = /_([a-z]+)\.npy$/.exec(c.file)?.[1] ?? '';
      const sr = kind === 'stft' ? {} : { sr: c.sample_rate };
      const ours = compute[kind](array(c.signal).data as Signal, { ...sr, ...c.arguments });
      const expected = array(c.file);
      expect([ours.rows, ours.columns], c.file).toEqual(expected.shape);
      const theirs = Float64Array.from(expected.data as Float32Array);
      const difference = theirs.reduce((worst, v, i) => Math.max(worst, Math.abs(v - ours.data[i])), 0);
      const largest = theirs.reduce((worst, v) => Math.max(worst, Math.abs(v)), 0);
      expect(difference, c.file).toBeLessThanOrEqual(inDecibels(kind) ? 1e-3 : 1e-5 * largest);
    }
  });
});
