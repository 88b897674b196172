// Speech Commands' layout: WORD/HASH_nohash_N.wav, with lists of what validates and what tests (Warden 2018, section 7.1).
import { createHash } from 'node:crypto';
import { readBytes } from '../files/atomic.ts';
import type { Clip } from './clip.ts';
import { isRecording, type Listing, listFolder } from './disk.ts';
import type { Found } from './layout.ts';

const lists = { validation: 'validation_list.txt', testing: 'testing_list.txt' };
const name = /^([0-9a-f]{8})_nohash_(\d+)\.\w+$/i;

/**
 * Reads Speech Commands; the column `part` says on which side of the official split a recording is: training, validation,
 * testing. Folders whose name starts with `_` (_background_noise_) are no classes.
 */
export async function readSpeechCommands(place: Listing): Promise<Found | null> {
  const clips: Clip[] = [];
  const leftOut: string[] = [];
  for (const word of place.folders.filter((folder) => !folder.startsWith('_'))) {
    const { path, files } = await listFolder(`${place.path}/${word}`);
    for (const file of files.filter(isRecording)) {
      const [, speaker, repetition] = name.exec(file) ?? [];
      if (speaker && repetition) {
        clips.push({ path: `${path}/${file}`, label: word, speaker, columns: { repetition } });
      } else leftOut.push(`${path}/${file}`);
    }
  }
  const isListed = Object.values(lists).every((list) => place.files.includes(list));
  if (clips.length === 0 || (leftOut.length > clips.length && !isListed)) return null;

  const partOf = isListed ? await listedParts(place.path) : ({ speaker }: Clip) => partBySpeaker(speaker!);
  for (const clip of clips) clip.columns.part = partOf(clip);
  const notes = isListed
    ? []
    : [`${Object.values(lists).join(' or ')} is missing; the official split is made by the speakers' hashes`];
  return { clips, leftOut, notes };
}

/** What the lists say; they name recordings by WORD/NAME.wav, whatever format those have become. */
async function listedParts(root: string): Promise<(clip: Clip) => string> {
  const parts = new Map<string, string>();
  for (const [part, list] of Object.entries(lists)) {
    const text = new TextDecoder().decode(await readBytes(`${root}/${list}`));
    for (const line of text.split(/\r?\n/)) if (line) parts.set(stem(line), part);
  }
  return ({ path }) => parts.get(stem(path.slice(root.length + 1))) ?? 'training';
}

const stem = (path: string) => path.replace(/\.\w+$/, '');

/**
 * The rule by which the lists were made, a tenth each: SHA-1 of the speaker's hash as text, modulo 2²⁷, as a share of
 * 2²⁷ − 1 in percent; below 10 validates, below 20 tests.
 */
export function partBySpeaker(speaker: string): string {
  const last = Number.parseInt(createHash('sha1').update(speaker).digest('hex').slice(-8), 16);
  const percent = (100 * (last % 2 ** 27)) / (2 ** 27 - 1);
  return percent < 10 ? 'validation' : percent < 20 ? 'testing' : 'training';
}
