// Draws a share of a corpus: of its speakers, or of each class' clips.
import { type Clip, type Corpus, labelsOf, speakersOf } from './clip.ts';
import { hash32, shuffle } from './random.ts';

/** Draws of speakers that are tried until both sides have every class. */
const DRAWS = 32;

/** How many of `count` go aside: the nearest whole number, but at least one and never all. */
export function shareOf(count: number, share: number): number {
  return Math.max(1, Math.min(count - 1, Math.round(share * count)));
}

/** Draws `share` of the indices of each label; none where a label has one only. */
export function drawClips(corpus: Corpus, indices: number[], seed: number, share: number): Set<number> {
  const drawn = labelsOf(corpus.clips).flatMap((label, k) => {
    const own = indices.filter((i) => corpus.clips[i]!.label === label);
    return own.length < 2 ? [] : shuffle(own, hash32(seed, k)).slice(0, shareOf(own.length, share));
  });
  return new Set(drawn);
}

/**
 * Draws `share` of the speakers of some clips, so that each side has every class if one of 32 draws does that (a class may be
 * that of few speakers, where it is their sex or accent); else the first draw.
 */
export function drawSpeakers(clips: readonly Clip[], seed: number, share: number): Set<string> {
  const speakers = speakersOf(clips);
  const classes = labelsOf(clips).length;
  const labels = new Map(speakers.map((who) => [who, new Set<string>()]));
  for (const { speaker, label } of clips) if (speaker !== null) labels.get(speaker)!.add(label);
  const covered = (side: string[]) => new Set(side.flatMap((who) => [...labels.get(who)!])).size === classes;
  const draws = Array.from({ length: DRAWS }, (_, k) => shuffle(speakers, k === 0 ? seed : hash32(seed, k)));
  const count = shareOf(speakers.length, share);
  const best = draws.find((order) => covered(order.slice(0, count)) && covered(order.slice(count)));
  return new Set((best ?? draws[0]!).slice(0, count));
}

/** Whether every class is spoken by one person only, as where the speakers are the classes. */
export function isOneSpeakerPerClass({ clips }: Corpus): boolean {
  const speakers = new Map<string, string>();
  return clips.every(({ label, speaker }) => {
    if (speaker === null) return false;
    if (!speakers.has(label)) speakers.set(label, speaker);
    return speakers.get(label) === speaker;
  });
}
