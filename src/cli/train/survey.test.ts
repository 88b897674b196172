// The settings that a corpus gives a model's input: rate, length, and their bounds.
import { expect, it } from 'vitest';
import { corpusOf } from '../../../test/support/corpus.ts';
import { inputShape } from '../../features/input.ts';
import { ARCHITECTURES } from '../../model/architectures.ts';
import { settleFeatures } from './survey.ts';

const listens = ARCHITECTURES['mel-cnn'].features;
const surveyed = (seconds: number[], sampleRates: number[] = seconds.map(() => 8000)) => {
  const corpus = corpusOf(['a'], ['0', '1'], seconds.length / 2);
  return { corpus, kept: [...corpus.clips.keys()], seconds, sampleRates, bad: [] };
};
const all = (count: number) => Array.from({ length: count }, (_, i) => i);

it('takes the commonest rate of the training clips, up to 16 kHz', () => {
  const rate = (rates: number[], training = all(rates.length)) =>
    settleFeatures(
      surveyed(
        rates.map(() => 1),
        rates,
      ),
      training,
      { listens },
    ).sampleRate;
  expect(rate([8000, 11025, 11025, 8000, 11025, 22050])).toBe(11025);
  expect(rate([44100, 44100, 8000, 8000])).toBe(8000); // the lower of two as common
  expect(rate([48000, 48000, 8000, 48000])).toBe(16000);
  expect(rate([48000, 48000, 8000, 8000], [2, 3])).toBe(8000);
});

it('holds 95 % of the training clips, in a multiple of 8 frames', () => {
  const seconds = [...all(95).map((i) => 0.3 + 0.005 * i), ...all(5).map(() => 4)];
  const settings = settleFeatures(surveyed(seconds), all(94), { listens });
  const { clipSamples, sampleRate } = settings;
  expect(seconds.slice(0, 94).filter((s) => s <= clipSamples / sampleRate).length).toBeGreaterThanOrEqual(
    0.95 * 94,
  );
  expect(clipSamples / sampleRate).toBeLessThan(seconds[93] + 0.08);
  expect(inputShape(settings)[1] % 8).toBe(0);
});

it('is no longer than 5 s, or 60 s where that is asked for', () => {
  const long = surveyed([600, 600, 600, 600]);
  const seconds = (clipSeconds?: number) => {
    const wishes = { listens, clipSeconds };
    const { clipSamples, sampleRate } = settleFeatures(long, all(4), wishes);
    return clipSamples / sampleRate;
  };
  expect(seconds()).toBeGreaterThanOrEqual(5);
  expect(seconds()).toBeLessThan(5.1);
  expect(seconds(60)).toBe(60);
  expect(() => seconds(61)).toThrow(/the model's clip: expected at most 60 s, got 61 s/);
});

it('is what the network asks for, and nothing that it does not listen to', () => {
  const wave = ARCHITECTURES.audionet.features;
  const { kind, sampleRate, clipSamples } = settleFeatures(surveyed([3, 3], [48000, 48000]), all(2), {
    listens: wave,
  });
  expect([kind, sampleRate, clipSamples]).toEqual(['waveform', 8000, 8000]);
  expect(() => settleFeatures(surveyed([3, 3]), all(2), { listens: wave, features: 'mfcc' })).toThrow(
    /what the network listens to: expected waveform, got mfcc/,
  );
});
