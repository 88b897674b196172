// The Free Spoken Digit Dataset's layout: D_SPEAKER_R.wav in one folder; the embedded corpus adds tables of its voices.
import { z } from 'zod';
import type { Clip } from './clip.ts';
import { isRecording, type Listing, readJson } from './disk.ts';
import type { Found } from './layout.ts';

const voices = z.object({
  name: z.string(),
  synthetic: z.boolean(),
  madeWith: z.string(),
  speakers: z.record(
    z.string(),
    z.object({ variant: z.string(), accent: z.string(), sex: z.string().nullable() }),
  ),
});
const ownSplit = z.object({ testSpeakers: z.array(z.string()).optional() });

/** Reads the recordings of `place`; `above` is the folder that holds `place`, if it may be read. */
export async function readFsdd(place: Listing, above?: Listing): Promise<Found | null> {
  const clips: Clip[] = [];
  const leftOut: string[] = [];
  for (const name of place.files.filter(isRecording)) {
    const [, label, speaker, repetition] = /^(\d)_([^_]+)_(\d+)\.\w+$/.exec(name) ?? [];
    if (label && speaker && repetition) {
      clips.push({ path: `${place.path}/${name}`, label, speaker, columns: { repetition } });
    } else leftOut.push(`${place.path}/${name}`);
  }
  if (clips.length === 0) return null;

  const home = [place, above].find((folder) => folder?.files.includes('voices.json'));
  if (!home) return { clips, leftOut, notes: [] };
  const made = await readJson(`${home.path}/voices.json`, voices, 'a table of synthetic voices');
  for (const clip of clips) {
    const { sex, ...known } = made.speakers[clip.speaker!] ?? { sex: null };
    Object.assign(clip.columns, known, sex === null ? {} : { sex });
  }
  const notes = made.synthetic ? [`synthetic: spoken by ${made.madeWith}, not by people`] : [];
  const found = { clips, leftOut, notes, name: made.name, synthetic: made.synthetic };
  if (!home.files.includes('split.json')) return found;
  const { testSpeakers } = await readJson(`${home.path}/split.json`, ownSplit, 'an object with testSpeakers');
  return { ...found, testSpeakers };
}
