// An audit of a corpus whose faults are known.
import { expect, it } from 'vitest';
import { corpusOf } from '../../test/support/corpus.ts';
import { audit, type Found } from './audit.ts';
import { splitCorpus } from './split-kinds.ts';

const corpus = corpusOf(['ann', 'bob', 'cid', 'dan'], ['0', '1'], 3);
const whole = (i: number) => ({
  samples: 8000 + 10 * i,
  sampleRate: 8000,
  peak: 0.5,
  rms: 0.1,
  dc: 0.001,
  clipped: 0,
  content: `sound ${i}`,
});
const name = (i: number) => corpus.clips[i].path.slice('/made/'.length);
const foundBut = (changes: Record<number, Partial<Exclude<Found, Error>> | Error>): Found[] =>
  corpus.clips.map((_, i) => {
    const change = changes[i];
    return change instanceof Error ? change : { ...whole(i), ...change };
  });

it('finds nothing in a good corpus', () => {
  expect(audit(corpus, foundBut({}), splitCorpus(corpus, 'speaker'))).toEqual([]);
});

it.each<[string, Parameters<typeof foundBut>[0], { kind: string; what: RegExp; clips: number[] }]>([
  [
    'what cannot be read',
    { 2: new Error('a.wav: cut') },
    { kind: 'unreadable', what: /^a.wav: cut$/, clips: [2] },
  ],
  ['silence', { 3: { peak: 0.0009, rms: 0, dc: 0.0005 } }, { kind: 'silent', what: /^1 silent/, clips: [3] }],
  ['clipping', { 4: { clipped: 9 }, 5: { clipped: 1 } }, { kind: 'clipped', what: /^1 clipped/, clips: [4] }],
  ['a direct current', { 6: { dc: -0.02 } }, { kind: 'dc', what: /^1 with a direct current/, clips: [6] }],
  [
    'lengths',
    { 0: { samples: 80 }, 7: { samples: 80000 } },
    { kind: 'length', what: /^2 of unusual length/, clips: [0, 7] },
  ],
  [
    'headers without a length',
    { 9: { streamed: true } },
    { kind: 'streamed', what: /^1 whose header does not say the length/, clips: [9] },
  ],
  [
    'rates',
    { 8: { sampleRate: 8001 } },
    { kind: 'rates', what: /2 sample rates: 23 at 8000 Hz, 1 at 8001 Hz/, clips: [8] },
  ],
  [
    'a sound twice',
    { 1: { content: 'x' }, 2: { content: 'x' } },
    { kind: 'duplicate', what: /^the same sound 2 times$/, clips: [1, 2] },
  ],
  [
    'one sound as two',
    { 1: { content: 'x' }, 4: { content: 'x' } },
    { kind: 'duplicate', what: /2 times, as 0 and 1$/, clips: [1, 4] },
  ],
])('finds %s', (_, changes, { kind, what, clips }) => {
  const expected = { kind, what: expect.stringMatching(what), clips: clips.map(name) };
  expect(audit(corpus, foundBut(changes))).toEqual([expected]);
});

it('finds voices and sounds on both sides of a split', () => {
  const split = splitCorpus(corpus, 'random', { testShare: 0.3 });
  const [train, test] = [split.train[0], split.test[0]];
  const findings = audit(corpus, foundBut({ [train]: { content: 'x' }, [test]: { content: 'x' } }), split);
  expect(findings.map(({ kind }) => kind)).toEqual(['duplicate', 'leak', 'speakers']);
  expect(findings[1].clips).toEqual([train, test].sort((a, b) => a - b).map(name));
  expect(findings[2].what).toMatch(/^\d of \d test speakers are also in training: \w+/);
});
