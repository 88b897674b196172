// A long recording explained window by window, and what is written of it: facts as JSON, a picture, and arrays.
import { basename } from 'node:path';
import { PowerLine } from '../analysis/power-line.ts';
import {
  type ClipFrames,
  classTrack,
  MOST_COLUMNS,
  overlapAdd,
  type RelevanceLine,
} from '../analysis/timeline.ts';
import type { SlidingWindow, WindowOptions } from '../analysis/windows.ts';
import { fitClip } from '../features/clip.ts';
import { powerToDb } from '../features/decibel.ts';
import { binFrequencies, frameTimes, inputShape, modelInput, tablesOf } from '../features/input.ts';
import { fromLayout, inputDims, toLayout } from '../features/layout.ts';
import type { Matrix } from '../features/matrix.ts';
import { normalized } from '../features/scaling.ts';
import type { FeatureSettings } from '../features/settings.ts';
import type { NpyArray } from '../files/npy.ts';
import { encodeNpz } from '../files/npz.ts';
import { spectrumOf } from '../hertz/spectrum.ts';
import { logitsOf, probabilitiesOf } from '../model/logits.ts';
import type { AudioModel } from '../model/model-file.ts';
import { type Explainer, PREDICTED } from '../relevance/explainer.ts';
import { spectrumMap } from '../report/spectrum.ts';
import { formatNumber, formatPercent } from '../report/ticks.ts';
import { timelineFigure } from '../report/timeline.ts';
import type { Domain } from './explained-clip.ts';
import type { Progress } from './progress.ts';
import { heardWindows, type WindowedRecording } from './windows.ts';

/** Cells of a time line at most, so that many bins make for fewer columns. */
const MOST_CELLS = 2 ** 21;
/** Windows' lengths that one line of the picture has room for. */
const WINDOWS_A_LINE = 16;

/** How a recording is to be explained. */
export interface Asked extends WindowOptions {
  readonly target: number;
  readonly against?: number;
  readonly domain: Domain;
}

/** A window that was explained. */
export interface ExplainedWindow extends SlidingWindow {
  readonly predicted: number;
  /** Class that is explained. */
  readonly target: number;
  /** [classes] */
  readonly probabilities: Float32Array;
}

/** All that is known of a long recording. */
export interface ExplainedRecording extends WindowedRecording {
  readonly settings: FeatureSettings;
  readonly labels: readonly string[];
  readonly method: string;
  readonly options: WindowOptions;
  /** Those with sound, in order. */
  readonly explained: readonly ExplainedWindow[];
  readonly line: RelevanceLine;
  /** Power of the recording on the line's columns. */
  readonly power: Matrix;
  /** Of the rows of the line (Hz). */
  readonly frequencies: Float64Array;
  /** In hertz, through the front-end, and not in the model's own rows. */
  readonly inHertz: boolean;
}

/** Explains the windows with sound, some at a time; of each only its probabilities and its part of the line are kept. */
export async function explainRecording(
  explainer: Explainer,
  { graph, labels, features: settings }: AudioModel,
  recording: WindowedRecording,
  { target, against, domain, ...options }: Asked,
  progress: Progress,
): Promise<ExplainedRecording> {
  const audible = recording.windows.filter(({ silent }) => !silent);
  const { times, frequencies, inHertz } = axesOf(settings, domain);
  const rows = frequencies.length;
  const line = overlapAdd(audible, framesOf(times, settings), rows, mostColumns(rows));
  const power = powerLine(settings, line, frequencies, inHertz);
  const shape = inputShape(settings);
  const size = shape[0] * shape[1];
  const { activation } = logitsOf(graph);
  const explained: ExplainedWindow[] = [];
  const probabilities = new Float32Array(audible.length * labels.length);
  progress.start(audible.length, 'windows');
  for await (const part of heardWindows(recording, settings, (block) => power.push(block))) {
    const inputs = part.map(({ samples }) => modelInput(samples, settings));
    const batch = new Float32Array(part.length * size);
    for (const [i, input] of inputs.entries()) batch.set(toLayout(input, settings.layout), i * size);
    const got = await explainer.explain(
      batch,
      inputDims(settings.layout, shape, part.length),
      new Array(part.length).fill(target),
      against === undefined ? {} : { against: new Array(part.length).fill(against) },
    );
    for (const [i, { window, samples }] of part.entries()) {
      const one = (values: Float32Array) =>
        fromLayout(values.subarray(i * size, (i + 1) * size), settings.layout, shape);
      const logits = got.logits.subarray(i * labels.length, (i + 1) * labels.length);
      const predicted = logits.indexOf(logits.reduce((a, b) => Math.max(a, b)));
      const at = explained.length * labels.length;
      probabilities.set(probabilitiesOf(logits, activation), at);
      explained.push({
        ...window,
        predicted,
        target: target === PREDICTED ? predicted : target,
        probabilities: probabilities.subarray(at, at + labels.length),
      });
      const relevance = one(got.relevance);
      const heard = {
        samples: fitClip(normalized(samples, settings.normalize), settings.clipSamples, settings.align)
          .samples,
        input: inputs[i],
        relevance,
        ...(got.perUnit && { perUnit: one(got.perUnit) }),
      };
      line.add(window, inHertz ? spectrumOf(heard, settings).relevance : relevance);
    }
    progress.update(explained.length);
  }
  progress.stop();
  const method = explainer.method.name;
  return {
    ...recording,
    settings,
    labels,
    method,
    options,
    explained,
    line,
    power: power.end(),
    frequencies,
    inHertz,
  };
}

/** Frames (s) and rows (Hz) of a window's map. */
function axesOf(settings: FeatureSettings, domain: Domain) {
  const own = domain === 'spectrum' ? null : binFrequencies(settings);
  if (own) return { times: frameTimes(settings), frequencies: own, inHertz: false };
  const [rows, columns] = inputShape(settings);
  const samples = Float32Array.from({ length: settings.clipSamples }, (_, n) => Math.sin(n));
  const relevance = { rows, columns, data: new Float32Array(rows * columns) };
  return {
    ...spectrumOf({ samples, input: modelInput(samples, settings), relevance }, settings),
    inHertz: true,
  };
}

const mostColumns = (rows: number) => Math.min(MOST_COLUMNS, Math.floor(MOST_CELLS / rows));

function framesOf(times: Float64Array, { sampleRate, clipSamples }: FeatureSettings): ClipFrames {
  const at = (t: number) => Math.round(times[t] * sampleRate);
  return { first: at(0), hop: times.length > 1 ? at(1) - at(0) : clipSamples, count: times.length };
}

/** What `NAME.json` holds; times in s. */
export function recordingFacts(explained: ExplainedRecording, model: string, domain: Domain) {
  const { file, length, windows, settings, labels, options, line } = explained;
  const seconds = (n: number) => Number((n / settings.sampleRate).toPrecision(9));
  const bySample = new Map(explained.explained.map((window) => [window.start, window]));
  const { relevance, amount, padding } = line.totals;
  return {
    file,
    model,
    labels,
    method: explained.method,
    domain,
    seconds: seconds(length),
    window: options.window,
    hop: options.hop,
    clipSeconds: seconds(settings.clipSamples),
    /** Σ R of all windows, and the share of Σ |R| on frames of padding, which the line leaves out. */
    relevanceSum: relevance,
    padding: amount === 0 ? 0 : padding / amount,
    windows: windows.map(({ start, end, silent }) => {
      const known = bySample.get(start);
      return {
        start: seconds(start),
        end: seconds(end),
        silent,
        label: known ? labels[known.predicted] : null,
        probability: known ? known.probabilities[known.predicted] : null,
        target: known ? labels[known.target] : null,
      };
    }),
    features: settings,
  };
}

/** What {@link recordingPicture} draws and {@link recordingArrays} holds. */
export type RecordingMaps = ReturnType<typeof recordingMaps>;

/** The spectrogram of a recording on the columns of its relevance. */
function powerLine(
  settings: FeatureSettings,
  { columns }: RelevanceLine,
  frequencies: Float64Array,
  inHertz: boolean,
): PowerLine {
  const isWave = settings.kind === 'waveform';
  const nFft = isWave ? 2 * (frequencies.length - 1) : settings.nFft;
  const hopLength = isWave ? nFft / 4 : settings.hopLength;
  return new PowerLine(
    {
      ...(isWave ? {} : { winLength: settings.winLength, window: settings.window }),
      nFft,
      hopLength,
      first: Math.round(columns.start + hopLength / 2),
      together: Math.round(columns.step / hopLength),
      columns: columns.count,
    },
    settings.kind === 'logmel' && !inHertz ? tablesOf(settings).filters : undefined,
  );
}

/** The spectrogram and the classes of a recording on the columns of its relevance. */
export function recordingMaps({ settings, line, power, frequencies, explained, labels }: ExplainedRecording) {
  const { columns, relevance } = line;
  const times = Float64Array.from(
    { length: columns.count },
    (_, c) => (columns.start + (c + 0.5) * columns.step) / settings.sampleRate,
  );
  return { power, relevance, times, frequencies, track: classTrack(explained, labels.length, columns) };
}

/** A track of classes, the spectrogram and the relevance on a common axis of time. */
export function recordingPicture(recording: ExplainedRecording, maps: RecordingMaps) {
  const { settings, labels, explained, windows, options, line } = recording;
  const { power, relevance, times, frequencies, track } = maps;
  const map = recording.inHertz
    ? spectrumMap({ relevance, magnitude: power, exponent: 2, frequencies, times })
    : {
        features: powerToDb(power, { ref: 'max', amin: Number.MIN_VALUE }),
        relevance,
        times,
        frequencies,
        featureLabel: `${settings.kind === 'logmel' ? 'mel ' : ''}power (dB re max)`,
      };
  const quiet = windows.length - explained.length;
  const fixed = new Set(explained.map(({ target }) => target)).size === 1 ? explained[0].target : undefined;
  return timelineFigure({
    title: `${basename(recording.file)}: ${explained.length} windows of ${formatNumber(options.window)} s`,
    subtitle: [
      `every ${formatNumber(options.hop)} s`,
      recording.method,
      fixed === undefined ? 'each for the class it was taken for' : `for “${labels[fixed]}”`,
      'relevance: mean of the windows that hear a moment',
      ...(quiet > 0 ? [`${quiet} without sound`] : []),
      ...(line.totals.padding > 0.001 * line.totals.amount
        ? [`on padding ${formatPercent(line.totals.padding / line.totals.amount)}`]
        : []),
    ],
    labels,
    track,
    ...map,
    frequencies: map.frequencies ?? frequencies,
    lineSeconds: WINDOWS_A_LINE * options.window,
  });
}

/**
 * What `NAME.npz` holds: relevance and power [rows, columns], frequencies [rows] in Hz, times [columns] in s, track
 * [classes, columns] (NaN where nothing was heard), probabilities [windows, classes] (NaN of silent windows), and starts
 * and ends [windows] in s.
 */
export function recordingArrays(
  { settings, labels, windows, explained }: ExplainedRecording,
  { power, relevance, times, frequencies, track }: RecordingMaps,
): Uint8Array {
  const bySample = new Map(explained.map((window) => [window.start, window]));
  const float32 = (rows: number, columns: number, data: ArrayLike<number>): NpyArray => ({
    dtype: 'float32',
    shape: [rows, columns],
    data: Float32Array.from(data),
  });
  const axis = (data: Float64Array): NpyArray => ({ dtype: 'float64', shape: [data.length], data });
  const probabilities = new Float32Array(windows.length * labels.length).fill(Number.NaN);
  for (const [w, { start }] of windows.entries()) {
    probabilities.set(bySample.get(start)?.probabilities ?? [], w * labels.length);
  }
  const seconds = (n: number) => n / settings.sampleRate;
  return encodeNpz({
    relevance: float32(relevance.rows, relevance.columns, relevance.data),
    power: float32(power.rows, power.columns, power.data),
    frequencies: axis(frequencies),
    times: axis(times),
    track: float32(track.rows, track.columns, track.data),
    probabilities: float32(windows.length, labels.length, probabilities),
    starts: axis(Float64Array.from(windows, ({ start }) => seconds(start))),
    ends: axis(Float64Array.from(windows, ({ end }) => seconds(end))),
  });
}
