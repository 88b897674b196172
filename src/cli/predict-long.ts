// What a model takes long recordings for over time: windows one by one, and like moments as segments.
import { segmentsOf } from '../analysis/segments.ts';
import type { WindowOptions } from '../analysis/windows.ts';
import { modelInput } from '../features/input.ts';
import type { AudioModel } from '../model/model-file.ts';
import type { Classifier } from './classifier.ts';
import { forEachRecording } from './clips.ts';
import type { Result, Terminal } from './frame.ts';
import { table } from './table.ts';
import { heardWindows, noteFit, type WindowedRecording, windowRecording } from './windows.ts';

/**
 * Classifies recordings through sliding windows. What is wrong with one is reported, and the others go on.
 * @param asCsv a line for each window in place of a table of segments
 */
export async function predictLong(
  classifier: Classifier,
  { labels, features }: AudioModel,
  audio: readonly string[],
  options: WindowOptions,
  asCsv: boolean,
  terminal: Terminal,
): Promise<Result> {
  const { progress } = terminal;
  noteFit(features, options.window, terminal);
  const seconds = (n: number) => Number((n / features.sampleRate).toPrecision(9));
  const hear = (file: string) => windowRecording(file, features, options, progress);
  const write = async (recording: WindowedRecording) => {
    const { file, length, windows } = recording;
    const audible = windows.filter(({ silent }) => !silent).length;
    const probabilities = new Float32Array(audible * labels.length);
    let done = 0;
    progress.start(audible, 'windows');
    for await (const part of heardWindows(recording, features)) {
      const got = await classifier.classify(part.map(({ samples }) => modelInput(samples, features)));
      for (const one of got) probabilities.set(one.probabilities, done++ * labels.length);
      progress.update(done);
    }
    progress.stop();
    let at = 0;
    const heard = windows.map(({ start, end, silent }) => {
      const own = silent ? null : probabilities.subarray(at, at + labels.length);
      if (own) at += labels.length;
      return { start, end, probabilities: own };
    });
    return {
      file,
      seconds: seconds(length),
      ...options,
      segments: segmentsOf(heard).map(({ start, end, label, probability }) => ({
        start: seconds(start),
        end: seconds(end),
        label: label === null ? null : labels[label],
        probability,
      })),
      windows: heard.map(({ start, end, probabilities: own }) => {
        const probability = own ? own.reduce((a, b) => Math.max(a, b)) : null;
        const label = own && probability !== null ? labels[own.indexOf(probability)] : null;
        return { start: seconds(start), end: seconds(end), label, probability };
      }),
    };
  };
  const { results, failed } = await forEachRecording(audio, terminal, hear, write);
  const text = asCsv ? csvOf(results) : segmentTable(results);
  return { text, json: results, incomplete: failed > 0 };
}

interface Times {
  readonly start: number;
  readonly end: number;
  readonly label: string | null;
  readonly probability: number | null;
}

/** Nothing but the head where no recording could be heard. */
function csvOf(results: readonly { file: string; windows: readonly Times[] }[]): string {
  const lines = results.flatMap(({ file, windows }) =>
    windows.map(({ start, end, label, probability }) =>
      [quoted(file), start, end, quoted(label ?? ''), probability ?? ''].join(','),
    ),
  );
  return ['file,start,end,label,probability', ...lines].join('\n');
}

/** A cell of CSV (RFC 4180). */
const quoted = (cell: string) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

function segmentTable(results: readonly { file: string; segments: readonly Times[] }[]): string {
  return results
    .flatMap(({ file, segments }) => [
      ...(results.length > 1 ? [file] : []),
      ...table([
        ['start', 'end', 'label', 'probability'],
        ...segments.map(({ start, end, label, probability }) => [
          start.toFixed(2),
          end.toFixed(2),
          label ?? '(silence)',
          probability?.toFixed(4) ?? '',
        ]),
      ]),
    ])
    .join('\n');
}
