// A folder per class: the class is the folder that a recording lies in; the speakers are unknown.
import type { Clip } from './clip.ts';
import { isOtherSound, isRecording, type Listing, listFolder } from './disk.ts';
import type { Found } from './layout.ts';

/**
 * Reads CLASS/anything.wav. Only what lies directly in a class folder counts, since a deeper folder may as well be a
 * speaker, a session or one side of a split; folders without recordings, and those whose name starts with `_`, are no
 * classes.
 */
export async function readFolders(place: Listing): Promise<Found | null> {
  const listings = await Promise.all(place.folders.map((name) => listFolder(`${place.path}/${name}`)));
  const clips: Clip[] = [];
  const skipped: string[] = [];
  const others: string[] = [];
  listings.forEach(({ path, files }, i) => {
    const label = place.folders[i]!;
    const recordings = label.startsWith('_') ? [] : files.filter(isRecording);
    if (recordings.length === 0) skipped.push(label);
    others.push(...files.filter(isOtherSound).map((name) => `${label}/${name}`));
    for (const name of recordings) {
      clips.push({ path: `${path}/${name}`, label, speaker: null, columns: {} });
    }
  });
  if (clips.length === 0) return null;
  const leftOut = place.files.filter(isRecording).map((name) => `${place.path}/${name}`);
  const notes = [
    ...(skipped.length > 0 ? [`no class folders: ${skipped.join(', ')}`] : []),
    ...(others.length > 0
      ? [`${others.length} in formats that cannot be read, such as ${others[0]}: convert them to FLAC or WAV`]
      : []),
  ];
  return { clips, leftOut, notes };
}
