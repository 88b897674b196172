// Long recordings on the command line: each explained through sliding windows, and its four files written.
import { dirname, parse } from 'node:path';
import { makeFolder, writeFileAtomic } from '../files/atomic.ts';
import type { AudioModel } from '../model/model-file.ts';
import type { Explainer } from '../relevance/explainer.ts';
import { svgToPng } from '../report/png.ts';
import { forEachRecording } from './clips.ts';
import type { Result, Terminal } from './frame.ts';
import { counted } from './table.ts';
import {
  type Asked,
  explainRecording,
  recordingArrays,
  recordingFacts,
  recordingMaps,
  recordingPicture,
} from './timeline.ts';
import { noteFit, type WindowedRecording, windowRecording } from './windows.ts';

/**
 * Explains recordings through sliding windows. What is wrong with one is reported, and the others go on.
 * @param pathOf where to write the files of a name, less their extensions
 */
export async function explainLong(
  explainer: Explainer,
  model: AudioModel,
  modelPath: string,
  audio: readonly string[],
  asked: Asked,
  terminal: Terminal,
  pathOf: (name: string) => string,
): Promise<Result> {
  const { features } = model;
  const { window } = asked;
  noteFit(features, window, terminal);
  const hear = async (file: string) => windowRecording(file, features, asked, terminal.progress);
  const write = async (recording: WindowedRecording) => {
    const { file, length, windows } = recording;
    const seconds = length / features.sampleRate;
    if (windows.length === 1 && seconds < window) {
      terminal.note(`${file}: ${seconds.toFixed(2)} s, shorter than a window; it is one window itself`);
    }
    const explained = await explainRecording(explainer, model, recording, asked, terminal.progress);
    const facts = recordingFacts(explained, modelPath, asked.domain);
    const maps = recordingMaps(explained);
    const { svg } = recordingPicture(explained, maps);
    const path = pathOf(parse(file).name);
    const png = `${path}.png`;
    await makeFolder(dirname(path));
    await writeFileAtomic(`${path}.npz`, recordingArrays(explained, maps));
    await writeFileAtomic(`${path}.svg`, svg);
    await writeFileAtomic(png, svgToPng(svg));
    await writeFileAtomic(`${path}.json`, `${JSON.stringify(facts, null, 2)}\n`);
    return { ...facts, png };
  };
  const { results, failed } = await forEachRecording(audio, terminal, hear, write);
  const lines = results.map(({ file, windows, png }) =>
    [file, counted(windows.length, 'window'), png].join('\t'),
  );
  return { text: lines.join('\n'), json: results, incomplete: failed > 0 };
}
