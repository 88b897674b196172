// A recording to a varied input of a model: voice, then surroundings, then its place in the clip, then spectrum.
import { hash32, random } from '../corpus/random.ts';
import { TrainingError } from '../errors.ts';
import { fitClip } from '../features/clip.ts';
import { inputFromMelPower, powerOfSpectrum } from '../features/input.ts';
import type { Matrix } from '../features/matrix.ts';
import { normalized, standardized, zeroIsSilence } from '../features/scaling.ts';
import type { FeatureSettings } from '../features/settings.ts';
import { spectrogram } from '../features/stft.ts';
import { changePitch, changeSpeed, stretch } from './interpolate.ts';
import type { Augmentation } from './settings.ts';
import { maskStripes, warpedSpectrum } from './spectrum.ts';
import { bandCurve, equalizerCurve, filtered, noise, roomResponse } from './surroundings.ts';

/** Each variation draws from a stream of its own, so that none changes what another draws. */
const STREAM = {
  shift: 1,
  gain: 2,
  speed: 3,
  pitch: 4,
  tract: 5,
  noise: 6,
  reverb: 7,
  equalizer: 8,
  band: 9,
  masks: 10,
  tempo: 11,
};

const COLOURS = ['white', 'pink', 'brown'] as const;

/**
 * A model's input [bins, frames] for a recording that is varied.
 *
 * @param samples mono, at `settings.sampleRate`, of any length
 * @param seed the same seed gives the same input
 */
export function augmentedInput(
  samples: Float32Array,
  settings: FeatureSettings,
  augmentation: Augmentation,
  seed: number,
): Matrix {
  const { kind } = settings;
  const clip = augmentedClip(samples, settings, augmentation, seed);
  const { timeMasks, binMasks, tract } = augmentation;
  const masks = { frames: timeMasks, bins: binMasks };
  const draw = random(hash32(seed, STREAM.masks));
  if (kind === 'waveform') {
    const m = standardized({ rows: 1, columns: clip.length, data: Float64Array.from(clip) }, settings);
    maskStripes(m, masks, 0, draw);
    return m;
  }
  const factor = 1 + tract * symmetric(random(hash32(seed, STREAM.tract)));
  const S = warpedSpectrum(spectrogram(clip, settings), factor);
  const m = inputFromMelPower(powerOfSpectrum(S, settings), settings);
  if (timeMasks + binMasks === 0) return m;
  const blank = zeroIsSilence(settings) ? 0 : m.data.reduce((a, b) => a + b, 0) / m.data.length;
  const masked = { ...m, data: m.data.slice() };
  maskStripes(masked, masks, blank, draw);
  return masked;
}

/** The samples of the model's clip: those of {@link augmentedInput} before any spectrum. */
export function augmentedClip(
  samples: Float32Array,
  { sampleRate, normalize, clipSamples, align }: FeatureSettings,
  a: Augmentation,
  seed: number,
): Float32Array {
  const stream = (name: keyof typeof STREAM) => random(hash32(seed, STREAM[name]));
  const between = ([low, high]: readonly [number, number], draw: () => number) => low + (high - low) * draw();

  let x = samples;
  if (a.speed > 0) x = changeSpeed(x, 1 + a.speed * symmetric(stream('speed')));
  if (a.pitch > 0) x = changePitch(x, a.pitch * symmetric(stream('pitch')), sampleRate);

  if (a.tempo > 0) x = stretch(x, 1 + a.tempo * symmetric(stream('tempo')), sampleRate);

  const room = stream('reverb');
  const response =
    room() < a.reverb
      ? roomResponse(between(a.decay, room), 10 ** (-between(a.direct, room) / 10), sampleRate, room)
      : null;
  const band = stream('band');
  x = filtered(x, sampleRate, response, [
    ...(a.equalizer > 0 ? [equalizerCurve(sampleRate, a.equalizer, stream('equalizer'))] : []),
    ...(band() < a.band ? [bandCurve(sampleRate, band)] : []),
  ]);

  const gain = 10 ** ((a.gain * symmetric(stream('gain'))) / 20);
  x = normalized(gain === 1 ? x : x.map((v) => gain * v), normalize);
  const by = Math.round(a.shift * clipSamples * symmetric(stream('shift')));
  const { clip, begin, end } = placed(x, clipSamples, align, by);

  const around = stream('noise');
  if (around() < a.noise) {
    const snr = between(a.snr, around);
    const colour = COLOURS[Math.floor(COLOURS.length * around())];
    const power = x.reduce((sum, v) => sum + v * v, 0) / x.length;
    const level = Math.sqrt(power / 10 ** (snr / 10));
    const added = noise(clipSamples, colour, around);
    const [from, to] = around() < a.cut ? [begin, end] : [0, clip.length];
    for (let n = from; n < to; n++) clip[n] += level * added[n];
  }
  return clip;
}

/** A number in [−1, 1). */
const symmetric = (draw: () => number) => 2 * draw() - 1;

/**
 * The recording where `fitClip` puts it, moved by so many samples; what fits into the clip stays inside.
 * @returns with it from where to where the clip is of the recording
 */
function placed(
  x: Float32Array,
  clipSamples: number,
  align: FeatureSettings['align'],
  by: number,
): { clip: Float32Array; begin: number; end: number } {
  const { start } = fitClip(x, clipSamples, align);
  const clip = new Float32Array(clipSamples);
  const room = clipSamples - x.length;
  const first = room >= 0 ? Math.min(room, Math.max(0, start + by)) : start + by;
  const begin = Math.max(0, first);
  clip.set(x.subarray(Math.max(0, -first), Math.max(0, clipSamples - first)), begin);
  return { clip, begin, end: Math.max(begin, Math.min(clipSamples, first + x.length)) };
}

/** @throws TrainingError where a model's input does not have what is to be varied */
export function checkAugmentation({ tract, binMasks }: Augmentation, { kind }: FeatureSettings): void {
  if (kind !== 'waveform' || (tract === 0 && binMasks === 0)) return;
  throw new TrainingError({
    what: `augmentation: ${tract > 0 ? 'tract' : 'binMasks'}`,
    expected: 'a model of spectrograms or MFCCs, since it is done in the spectrum',
    got: 'a model of samples',
    todo: 'Set it to 0, or use speed and pitch.',
  });
}
