// AudioMNIST's layout: NN/D_NN_R.wav with a table of speakers, audioMNIST_meta.txt, beside or above the folders.
import { z } from 'zod';
import type { Clip } from './clip.ts';
import { isRecording, type Listing, listFolder, readJson } from './disk.ts';
import type { Found } from './layout.ts';

const table = 'audioMNIST_meta.txt';
const speakers = z.record(
  z.string(),
  z.record(z.string(), z.union([z.string(), z.number()]).transform(String)),
);

/** Reads AudioMNIST where `place` is its data folder; `above` is the folder that holds `place`, if it may be read. */
export async function readAudioMnist(place: Listing, above?: Listing): Promise<Found | null> {
  const clips: Clip[] = [];
  const leftOut: string[] = [];
  for (const speaker of place.folders.filter((name) => /^\d\d$/.test(name))) {
    const { path, files } = await listFolder(`${place.path}/${speaker}`);
    for (const name of files.filter(isRecording)) {
      const [, digit, who, repetition] = /^(\d)_(\d\d)_(\d+)\.\w+$/.exec(name) ?? [];
      if (digit && repetition && who === speaker) {
        clips.push({ path: `${path}/${name}`, label: digit, speaker, columns: { repetition } });
      } else leftOut.push(`${path}/${name}`);
    }
  }
  if (clips.length === 0) return null;

  const home = [place, above].find((folder) => folder?.files.includes(table));
  if (!home)
    return { clips, leftOut, notes: [`${table} is missing, so nothing is known about the speakers`] };
  const rows = await readJson(
    `${home.path}/${table}`,
    speakers,
    'a JSON object of speakers, each an object of text',
  );
  for (const clip of clips) Object.assign(clip.columns, rows[clip.speaker!]);
  const unlisted = [...new Set(clips.map((c) => c.speaker!).filter((s) => !rows[s]))];
  return { clips, leftOut, notes: unlisted.length ? [`${table} lacks speaker ${unlisted.join(', ')}`] : [] };
}
