// Loads a folder of recordings, whichever of the known layouts it has, or a manifest.
import { resolve } from 'node:path';
import { CorpusError } from '../errors.ts';
import { readAudioMnist } from './audiomnist.ts';
import { byText, type Corpus, type Layout, labelsOf } from './clip.ts';
import { isOtherSound, isRecording, type Listing, listFolder } from './disk.ts';
import { readFolders } from './folders.ts';
import { readFsdd } from './fsdd.ts';
import { labelledBy } from './label.ts';
import { type Found, type LayoutReader, layouts } from './layout.ts';
import { isManifest, loadManifest, type ManifestOptions } from './manifest.ts';
import { readSpeechCommands } from './speech-commands.ts';

const readers: [Layout, LayoutReader][] = [
  ['audiomnist', readAudioMnist],
  ['fsdd', readFsdd],
  ['speech-commands', readSpeechCommands],
  ['folders', readFolders],
];

/**
 * Loads a corpus. The layout is recognised from the names of folders and files; the recordings themselves are not read.
 * They may lie in the folder itself, in `data` or `recordings` in it, or below its only folder (an unpacked archive).
 *
 * @param path a folder, or a manifest (.csv, .tsv, .jsonl)
 * @param options.label the column that is the class: in a folder, anything its layout knows of a recording ({@link labelledBy})
 * @throws FileError where it is missing, is another file, or cannot be read
 * @throws CorpusError where there are no recordings, no known layout, no such column, fewer than two classes, or a faulty line
 */
export async function loadCorpus(path: string, options: ManifestOptions = {}): Promise<Corpus> {
  if (isManifest(path)) return loadManifest(path, options);
  const root = resolve(path).replaceAll('\\', '/');
  const places = await placesIn(await listFolder(root), 3);
  let oneClass: Found | undefined;
  for (const [layout, read] of readers) {
    for (const [place, above] of places) {
      const found = await read(place, above);
      if (found && labelsOf(found.clips).length > 1) return corpus(root, layout, found, options.label);
      oneClass ??= found ?? undefined;
    }
  }
  if (!oneClass) throw unknown(root, places);
  const { clips } = oneClass;
  throw new CorpusError({
    what: `${root}: there is nothing to tell apart`,
    expected: 'recordings of two classes or more',
    got: `${clips.length} of one, '${clips[0]!.label}'`,
    todo: `Known layouts: ${Object.values(layouts).join('; ')}.`,
  });
}

/** The folders that may hold the recordings, each with the one above it, nearest first. */
async function placesIn(place: Listing, depth: number, above?: Listing): Promise<[Listing, Listing?][]> {
  if (depth === 0) return [[place, above]];
  const names = place.folders.filter((f) => place.folders.length === 1 || f === 'data' || f === 'recordings');
  const below = names.map(async (name) =>
    placesIn(await listFolder(`${place.path}/${name}`), depth - 1, place),
  );
  return [[place, above], ...(await Promise.all(below)).flat()];
}

function corpus(root: string, layout: Layout, found: Found, label?: string): Corpus {
  const { leftOut, synthetic = false, testSpeakers } = found;
  const sorted = found.clips.sort((a, b) => byText(a.path, b.path));
  const { clips, leftOut: unlabelled } =
    label === undefined ? { clips: sorted, leftOut: [] } : labelledBy(sorted, layout, label);
  const without = (paths: readonly string[], why: string) => {
    const names = paths.slice(0, 3).map((path) => path.slice(root.length + 1));
    if (paths.length > names.length) names.push('…');
    const count = paths.length === 1 ? '1 recording' : `${paths.length} recordings`;
    return paths.length > 0 ? [`${count} left out, ${why}: ${names.join(', ')}`] : [];
  };
  const notes = [
    ...found.notes,
    ...without(leftOut, `not placed or named as in ${layouts[layout]}`),
    ...without(unlabelled, `without a value in the column '${label}'`),
  ];
  return {
    name: found.name ?? root.slice(root.lastIndexOf('/') + 1),
    layout,
    root,
    clips,
    synthetic,
    ...(notes.length > 0 && { note: notes.join('; ') }),
    ...(testSpeakers && { testSpeakers }),
  };
}

function unknown(root: string, places: [Listing, Listing?][]): CorpusError {
  const files = places.flatMap(([place]) => place.files);
  const recordings = files.filter(isRecording);
  const other = files.filter(isOtherSound);
  const got = recordings.length
    ? `${recordings.length} recordings named like ${recordings[0]}`
    : other.length
      ? `no recording that can be read, but ${other.length} like ${other[0]}`
      : 'no recording';
  return new CorpusError({
    what: `${root}: not a corpus of a known layout`,
    expected: Object.values(layouts).join(', or '),
    got,
    todo: other.length && !recordings.length ? 'Convert the recordings to FLAC or WAV.' : undefined,
  });
}
