// A split that somebody wrote down: lists of paths, or of the speakers to test and validate on.
import { z } from 'zod';
import { CorpusError } from '../errors.ts';
import { type Corpus, pathInside, speakersOf } from './clip.ts';
import { makeSplit, type Split } from './split.ts';

const names = z.array(z.string()).optional();

/** A run's `split.json` has this form too: other keys are ignored. */
export const splitLists = z.object({
  train: names,
  validation: names,
  test: names,
  validationSpeakers: names,
  testSpeakers: names,
});
export type SplitLists = z.infer<typeof splitLists>;

/**
 * The split that lists describe. Paths are inside the corpus' root; as many of a path's last parts as make it unique are enough.
 * Without `train`, all that does not test or validate trains.
 *
 * @param source how errors call the lists: the file's name
 * @throws CorpusError where a recording or speaker is unknown, listed twice or on two sides, or a side is empty
 */
export function splitFromLists(corpus: Corpus, lists: SplitLists, source: string): Split {
  const find = finder(corpus, source);
  const side = (name: 'test' | 'validation') => {
    const [paths, speakers] = [lists[name], lists[`${name}Speakers`]];
    if (paths && speakers) throw fault(source, name, 'both');
    if (speakers) return bySpeaker(corpus, speakers, source);
    return paths && indices(paths, find, source);
  };
  const [test, validation] = [side('test'), side('validation')];
  if (!test) throw fault(source, 'test', 'neither');
  const train = lists.train && indices(lists.train, find, source);
  for (const [one, other] of [
    [train, test],
    [train, validation],
    [validation, test],
  ]) {
    const both = one && [...one].find((i) => other?.has(i));
    if (both === undefined) continue;
    throw new CorpusError(`${source}: ${pathInside(corpus, corpus.clips[both]!)} is on both sides`);
  }
  return makeSplit(corpus, { kind: 'file', seed: null }, { test, validation, train });
}

function fault(source: string, name: string, got: string): CorpusError {
  return new CorpusError({ what: source, expected: `either '${name}' or '${name}Speakers'`, got });
}

function indices(paths: string[], find: (path: string) => number, source: string): Set<number> {
  const out = new Set<number>();
  for (const path of paths) {
    const i = find(path);
    if (out.has(i)) throw new CorpusError(`${source}: ${path} is listed twice`);
    out.add(i);
  }
  return out;
}

/** Finds clips by path; two paths meet where one ends with the whole of the other. */
function finder(corpus: Corpus, source: string): (path: string) => number {
  const inside = corpus.clips.map((clip) => pathInside(corpus, clip));
  const exact = new Map(inside.map((path, i) => [path, i]));
  const named = new Map<string, number[]>();
  inside.forEach((path, i) => {
    named.set(lastPart(path), [...(named.get(lastPart(path)) ?? []), i]);
  });
  return (listed) => {
    const path = listed.replaceAll('\\', '/').replace(/^\.\//, '');
    const sure = exact.get(path);
    if (sure !== undefined) return sure;
    const near = (named.get(lastPart(path)) ?? []).filter(
      (i) => `/${inside[i]}`.endsWith(`/${path}`) || `/${path}`.endsWith(`/${inside[i]}`),
    );
    if (near.length === 1) return near[0]!;
    throw new CorpusError({
      what: `${source}: ${listed}`,
      expected: `the path of a recording in ${corpus.root}`,
      got: near.length
        ? `one that fits ${near.length}, such as ${inside[near[0]!]} and ${inside[near[1]!]}`
        : 'none',
    });
  };
}

function bySpeaker(corpus: Corpus, speakers: string[], source: string): Set<number> {
  const known = speakersOf(corpus.clips);
  const stranger = speakers.find((speaker) => !known.includes(speaker));
  if (stranger !== undefined) {
    throw new CorpusError({
      what: `${source}: ${stranger}`,
      expected: `a speaker of ${corpus.name}`,
      got: 'none of that name',
    });
  }
  return new Set(corpus.clips.flatMap((clip, i) => (speakers.includes(clip.speaker ?? '') ? [i] : [])));
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
