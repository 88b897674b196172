// Looks for what makes a corpus less than it seems: broken, clipped, silent, odd or doubled recordings, and leaks.
import type { Measured } from '../audio/measure.ts';
import { type Clip, type Corpus, pathInside } from './clip.ts';
import { type Split, speakerSides } from './split.ts';

/** A recording of the corpus as it was found: in numbers, with a hash of its sound, or why it cannot be read. */
export type Found = (Measured & { content: string }) | Error;

export const FINDINGS = [
  'unreadable',
  'silent',
  'clipped',
  'dc',
  'length',
  'duplicate',
  'streamed',
  'rates',
  'speakers',
  'leak',
] as const;
export type FindingKind = (typeof FINDINGS)[number];

/** Something to look at. */
export interface Finding {
  kind: FindingKind;
  /** In one line. */
  what: string;
  /** The recordings, by their paths inside the corpus. */
  clips: string[];
}

/** A peak below it counts as silence: −60 dB re full scale. */
const SILENT = 1e-3;
/** Share of the samples that are cut off. */
const CLIPPED = 1e-3;
/** Offset, as a share of the root mean square. */
const DC = 0.1;
/** Lengths further than this many interquartile ranges from the quartiles are outliers (Tukey's far out). */
const FAR = 3;
/** Where most recordings were cut to the same length, the interquartile range is this share of it at least. */
const LEAST_SPREAD = 0.1;

/**
 * Audits a corpus: what cannot be read, silence (peak below −60 dB re full scale), clipping, direct current, unusual lengths,
 * headers without a length, the same sound twice, mixed sample rates, and what is on both sides of a split.
 *
 * @param found for each clip, in order, as `measureRecordings` gives it
 * @param split whose sides are compared: speakers, and sounds, that are on both
 */
export function audit(corpus: Corpus, found: readonly Found[], split?: Split): Finding[] {
  const all = corpus.clips.map((clip, i) => ({ clip, i, name: pathInside(corpus, clip), facts: found[i] }));
  const read = all.flatMap(({ facts, ...rest }) => (facts instanceof Error ? [] : [{ ...rest, facts }]));
  const those = (
    kind: FindingKind,
    what: (n: number) => string,
    wanted: (f: (typeof read)[number]) => boolean,
  ) => {
    const clips = read.filter(wanted).map(({ name }) => name);
    return clips.length > 0 ? [{ kind, what: what(clips.length), clips }] : [];
  };
  const unreadable = all.filter(({ facts }) => facts instanceof Error);
  const [shortest, longest] = usualLengths(read.map(({ facts }) => facts.samples / facts.sampleRate));
  const seconds = (s: number) => `${s.toFixed(2)} s`;
  const heard = ({ facts }: (typeof read)[number]) => facts.peak >= SILENT;
  return [
    ...unreadable.map(({ name, facts }) => ({
      kind: 'unreadable' as const,
      what: (facts as Error).message,
      clips: [name],
    })),
    ...those(
      'silent',
      (n) => `${n} silent (peak below −60 dB)`,
      (r) => !heard(r),
    ),
    ...those(
      'clipped',
      (n) => `${n} clipped (0.1 % of the samples or more cut off)`,
      ({ facts }) => {
        return facts.clipped >= CLIPPED * facts.samples;
      },
    ),
    ...those(
      'dc',
      (n) => `${n} with a direct current (offset above 10 % of the level)`,
      (r) => {
        return heard(r) && Math.abs(r.facts.dc) > DC * r.facts.rms;
      },
    ),
    ...those(
      'length',
      (n) =>
        `${n} of unusual length (${shortest > 0 ? `shorter than ${seconds(shortest)}, or ` : ''}longer than ${seconds(longest)})`,
      ({ facts: { samples, sampleRate } }) =>
        samples / sampleRate < shortest || samples / sampleRate > longest,
    ),
    ...those(
      'streamed',
      (n) =>
        `${n} whose header does not say the length, as written to a pipe; what follows it counts as sound`,
      ({ facts }) => facts.streamed === true,
    ),
    ...duplicates(read, split),
    ...rates(read.map(({ facts, name }) => ({ name, rate: facts.sampleRate }))),
    ...(split ? speakers(corpus, split) : []),
  ];
}

/** The bounds beyond which a length is unusual. */
function usualLengths(lengths: readonly number[]): [number, number] {
  const sorted = lengths.toSorted((a, b) => a - b);
  const quantile = (q: number) => sorted[Math.floor(q * (sorted.length - 1))] ?? 0;
  const spread = Math.max(quantile(0.75) - quantile(0.25), LEAST_SPREAD * quantile(0.5));
  return [quantile(0.25) - FAR * spread, quantile(0.75) + FAR * spread];
}

/** The same sound more than once; worse where under two labels, or on both sides of the split. */
function duplicates(
  read: readonly { clip: Clip; i: number; name: string; facts: { content: string } }[],
  split?: Split,
): Finding[] {
  const groups = new Map<string, (typeof read)[number][]>();
  for (const one of read) groups.set(one.facts.content, [...(groups.get(one.facts.content) ?? []), one]);
  const [trained, tested] = [new Set(split?.train), new Set(split?.test)];
  return [...groups.values()]
    .filter((group) => group.length > 1)
    .flatMap((group): Finding[] => {
      const clips = group.map(({ name }) => name);
      const labels = [...new Set(group.map(({ clip }) => clip.label))];
      const what = `the same sound ${group.length} times${labels.length > 1 ? `, as ${labels.join(' and ')}` : ''}`;
      const isLeak = group.some(({ i }) => trained.has(i)) && group.some(({ i }) => tested.has(i));
      const leak = { kind: 'leak' as const, what: 'the same sound in training and in the test', clips };
      return [{ kind: 'duplicate', what, clips }, ...(isLeak ? [leak] : [])];
    });
}

/** More than one sample rate; the recordings of the rarer ones are named. */
function rates(recordings: readonly { name: string; rate: number }[]): Finding[] {
  const counts = new Map<number, number>();
  for (const { rate } of recordings) counts.set(rate, (counts.get(rate) ?? 0) + 1);
  if (counts.size < 2) return [];
  const byCount = [...counts].sort(([a, m], [b, n]) => n - m || a - b);
  const what = `${counts.size} sample rates: ${byCount.map(([rate, n]) => `${n} at ${rate} Hz`).join(', ')}`;
  const clips = recordings.filter(({ rate }) => rate !== byCount[0]![0]).map(({ name }) => name);
  return [{ kind: 'rates', what, clips }];
}

/** Voices on both sides of a split. */
function speakers(corpus: Corpus, split: Split): Finding[] {
  const { both, test } = speakerSides(corpus, split);
  if (both.length === 0) return [];
  const what = `${both.length} of ${test.length} test speakers are also in training: ${both.join(', ')}`;
  const clips = split.test
    .map((i) => corpus.clips[i]!)
    .filter(({ speaker }) => speaker !== null && both.includes(speaker))
    .map((clip) => pathInside(corpus, clip));
  return [{ kind: 'speakers', what, clips }];
}
