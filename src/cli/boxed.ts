// The digit classifier that ships with the package, for recordings that come without a model.
import { existsSync, statSync } from 'node:fs';
import { extname } from 'node:path';
import { UsageError } from '../errors.ts';
import { inPackage } from '../files/package.ts';
import type { Terminal } from './frame.ts';

/** What recordings are called; the content decides, but a model is not called so. */
const RECORDINGS = [
  '.wav',
  '.flac',
  '.mp3',
  '.ogg',
  '.oga',
  '.opus',
  '.m4a',
  '.mp4',
  '.aac',
  '.aif',
  '.aiff',
  '.w64',
];

/** What both arguments' help says. */
export const FILES_HELP =
  'a model (model.onnx of `earmark train` or `describe`, or any ONNX classifier with the two files), and recordings or folders of them; without a model the digit classifier in the box';

/**
 * Takes the model from the front of what was named; where none is there, it is the one in the box.
 * @throws UsageError where there is no recording, FileError where the box is empty
 */
export function splitFiles(
  files: readonly string[],
  { note }: Terminal,
): { model: string; audio: readonly string[] } {
  const [first = '', ...rest] = files;
  if (!isAudio(first, rest.length)) {
    if (rest.length > 0) return { model: first, audio: rest };
    throw new UsageError({ what: 'no recording is named', expected: `recordings behind the model ${first}` });
  }
  const model = inPackage('models', 'digits', 'model.onnx');
  note('model: the digit classifier in the box, English digits from 0 to 9 (models/digits/README.md)');
  return { model, audio: files };
}

function isAudio(path: string, more: number): boolean {
  const extension = extname(path).toLowerCase();
  if (RECORDINGS.includes(extension)) return true;
  if (extension === '.onnx') return false;
  return more === 0 || (existsSync(path) && statSync(path).isDirectory());
}
