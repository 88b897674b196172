// Long recordings on the command line: each explained through sliding windows, and its four files written.
import { dirname, parse } from 'node:path';
import { makeFolder, writeFileAtomic } from '../files/atomic.ts';
import type { AudioModel } from '../model/model-file.ts';
import type { Explainer } from '../relevance/explainer.ts';
import { svgToPng } from '../report/png.ts';
import { forEachRecording } from './clips.ts';
import type { Result, Terminal } from './frame.ts';
import {
  type Asked,
  explainRecording,
  recordingArrays,
  recordingFacts,
  recordingMaps,
  recordingPicture,
} from './timeline.ts';
import { type WindowedRecording, windowRecording } from './windows.ts';

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
  const clip = features.clipSamples / features.sampleRate;
  if (Math.round(window * features.sampleRate) !== features.clipSamples) {
    const how =
      window > clip
        ? `its ${features.align === 'start' ? 'beginning' : 'loudest part'} is heard`
        : 'zeros are added';
    terminal.note(`windows of ${window} s for a model of clips of ${clip} s: of each, ${how}`);
  }
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
  const lines = results.map(({ file, windows, png }) => [file, `${windows.length} windows`, png].join('\t'));
  return { text: lines.join('\n'), json: results, incomplete: failed > 0 };
}
