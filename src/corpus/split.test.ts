// Splits: disjoint, covering, repeatable, honest about speakers; and what each kind refuses.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { corpusOf } from '../../test/support/corpus.ts';
import { describeShared, sharedPath } from '../../test/support/shared.ts';
import { CorpusError } from '../errors.ts';
import { labelsOf } from './clip.ts';
import { foldsOf } from './folds.ts';
import { loadCorpus } from './load.ts';
import { describeSplit, speakerSides, splitOfKept } from './split.ts';
import { defaultSplit, splitCorpus } from './split-kinds.ts';
import { validationSplit } from './validation.ts';

const people = (n: number) => Array.from({ length: n }, (_, i) => `p${i}`);
const digits = ['0', '1', '2'];

const anyCorpus = fc
  .record({
    speakers: fc.integer({ min: 2, max: 12 }),
    labels: fc.integer({ min: 2, max: 5 }),
    takes: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ speakers, labels, takes }) =>
    corpusOf(people(speakers), ['a', 'b', 'c', 'd', 'e'].slice(0, labels), takes),
  );
const seed = fc.nat();
const testShare = fc.double({ min: 0.01, max: 0.99, noNaN: true });

describe('every split', () => {
  it.each(['speaker', 'random'] as const)(
    '%s: two disjoint sides cover the corpus, the same each time (property)',
    (kind) => {
      fc.assert(
        fc.property(anyCorpus, seed, testShare, (corpus, seed, testShare) => {
          const split = splitCorpus(corpus, kind, { seed, testShare });
          expect([...split.train, ...split.test].sort((a, b) => a - b)).toEqual(
            corpus.clips.map((_, i) => i),
          );
          expect(split.train.length).toBeGreaterThan(0);
          expect(split.test.length).toBeGreaterThan(0);
          expect(splitCorpus(corpus, kind, { seed, testShare })).toEqual(split);
        }),
      );
    },
  );

  it.each([0, 1, -0.1, Number.NaN])('refuses a test share of %s', (testShare) => {
    expect(() => splitCorpus(corpusOf(people(4), digits), 'speaker', { testShare })).toThrow(CorpusError);
  });
});

describe('by speaker', () => {
  it('is the default where all speakers are known', () => {
    expect(defaultSplit(corpusOf(people(2), digits))).toBe('speaker');
    expect(defaultSplit(corpusOf([...people(2), null], digits))).toBe('random');
  });

  it('nobody is on both sides, and the share is of speakers (property)', () => {
    fc.assert(
      fc.property(anyCorpus, seed, testShare, (corpus, seed, testShare) => {
        const { train, test, both } = speakerSides(
          corpus,
          splitCorpus(corpus, 'speaker', { seed, testShare }),
        );
        const n = train.length + test.length;
        expect(both).toEqual([]);
        expect(test).toHaveLength(Math.min(n - 1, Math.max(1, Math.round(testShare * n))));
      }),
    );
  });

  it('depends on the seed', () => {
    const corpus = corpusOf(people(10), digits);
    const tests = [0, 1, 2, 3, 4, 5].map((seed) => splitCorpus(corpus, 'speaker', { seed }).test.join());
    expect(new Set(tests).size).toBeGreaterThan(3);
  });

  it('names --split random where there is one speaker, or an unknown one', () => {
    expect(() => splitCorpus(corpusOf(['ann'], digits, 3))).toThrow(/got one, 'ann'. Use --split random/);
    expect(() => splitCorpus(corpusOf(['ann', null], digits), 'speaker')).toThrow(
      /3 of 6 .*unknown.*--split random/,
    );
  });

  it('refuses a class that would be tested but not trained', () => {
    const corpus = corpusOf(['ann', 'bob'], digits);
    const own = { ...corpus.clips[0]!, path: '/made/9.wav', label: '9' };
    const seeds = [0, 1, 2, 3, 4, 5, 6, 7];
    const results = seeds.map((seed) => {
      try {
        return splitCorpus({ ...corpus, clips: [...corpus.clips, own] }, 'speaker', { seed }).warnings.join();
      } catch (error) {
        return (error as Error).message;
      }
    });
    expect(new Set(results)).toEqual(
      new Set([
        'made: class 9 would be tested but not trained. Try another --seed, or --split random.',
        'no test recording of class 9',
      ]),
    );
  });
});

describe('random', () => {
  it('takes the same share of each class and counts the speakers on both sides (property)', () => {
    fc.assert(
      fc.property(anyCorpus, seed, testShare, (corpus, seed, testShare) => {
        const split = splitCorpus(corpus, 'random', { seed, testShare });
        for (const label of labelsOf(corpus.clips)) {
          const n = corpus.clips.filter((clip) => clip.label === label).length;
          const tested = split.test.filter((i) => corpus.clips[i]!.label === label).length;
          expect(tested).toBe(Math.min(n - 1, Math.max(1, Math.round(testShare * n))));
        }
        const { both, test } = speakerSides(corpus, split);
        const warning = `${both.length} of ${test.length} test speakers are also in training`;
        expect(split.warnings.join()).toContain(both.length ? warning : '');
        expect(split.note).toContain(warning);
      }),
    );
  });

  it('warns where the speakers are unknown', () => {
    const split = splitCorpus(corpusOf([null], digits, 4));
    expect(split.kind).toBe('random');
    expect(split.warnings).toEqual(['the speakers are unknown: the same voices may be on both sides']);
  });

  it('keeps the only recording of a class in training, and refuses where nothing is left to test', () => {
    const corpus = corpusOf(['ann'], digits, 4);
    const rare = {
      ...corpus,
      clips: [...corpus.clips, { ...corpus.clips[0]!, path: '/made/r.wav', label: 'rare' }],
    };
    expect(splitCorpus(rare, 'random').warnings).toContain('no test recording of class rare');
    expect(() => splitCorpus(corpusOf(['ann'], digits), 'random')).toThrow(/test side of the split is empty/);
  });
});

describe('official', () => {
  it('tests on the speakers that a corpus names itself', () => {
    const corpus = { ...corpusOf(people(4), digits, 2), testSpeakers: ['p1', 'p3'] };
    const split = splitCorpus(corpus, 'official');
    expect(speakerSides(corpus, split)).toEqual({ train: ['p0', 'p2'], test: ['p1', 'p3'], both: [] });
    expect(split.seed).toBeNull();
  });

  it('refuses corpora without one, and says which have one', () => {
    const corpus = { ...corpusOf(people(3), digits), layout: 'audiomnist' as const };
    expect(() => splitCorpus(corpus, 'official')).toThrow(
      /expected the Free Spoken Digit Dataset, Speech Commands or the embedded/,
    );
  });
});

describeShared('data/fsdd/recordings', "FSDD's official split", () => {
  it('tests on repetitions 0 to 4: 300 recordings, 2,700 to train', async () => {
    const corpus = await loadCorpus(sharedPath('data/fsdd'));
    const split = splitCorpus(corpus, 'official');
    expect([split.train.length, split.test.length]).toEqual([2700, 300]);
    expect(split.test.every((i) => /_[0-4]\.wav$/.test(corpus.clips[i]!.path))).toBe(true);
    expect(split.note).toBe(
      '2700 recordings to train, 300 to test; 6 of 6 test speakers are also in training',
    );
    expect(validationSplit(corpus, split).validation).toHaveLength(270);
  });
});

describe('splitOfKept', () => {
  it('is the split without the recordings that were left out, fold and validation part kept (property)', () => {
    const corpus = { ...corpusOf(people(60), digits, 2), layout: 'audiomnist' as const };
    corpus.clips.forEach((clip) => {
      clip.speaker = String(Number(clip.speaker!.slice(1)) + 1);
    });
    const whole = foldsOf(corpus, 'audiomnist-digit')[2]!;
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(359), { maxLength: 40 }), (bad) => {
        const kept = [...corpus.clips.keys()].filter((i) => !bad.includes(i));
        const left = { ...corpus, clips: kept.map((i) => corpus.clips[i]!) };
        const split = splitOfKept(whole, left, kept);
        expect(split).toMatchObject({ kind: 'audiomnist-digit', fold: whole.fold });
        for (const side of ['train', 'validation', 'test'] as const) {
          const before = whole[side]!.filter((i) => !bad.includes(i)).map((i) => corpus.clips[i]);
          expect(split[side]!.map((i) => left.clips[i])).toEqual(before);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('names a class that has nothing left to train on', () => {
    const corpus = corpusOf(people(4), digits);
    const split = splitCorpus(corpus, 'speaker');
    const kept = [...corpus.clips.keys()].filter(
      (i) => corpus.clips[i]!.label !== '2' || split.test.includes(i),
    );
    const left = { ...corpus, clips: kept.map((i) => corpus.clips[i]!) };
    expect(() => splitOfKept(split, left, kept)).toThrow(/class 2 would be tested but not trained/);
  });
});

describe('describeSplit', () => {
  it('lists paths inside the root and the speakers of each side (snapshot)', () => {
    const corpus = corpusOf(['ann', 'bob', 'eve'], ['0', '1']);
    expect(describeSplit(splitCorpus(corpus, 'speaker', { seed: 1 }), corpus)).toMatchInlineSnapshot(`
      {
        "corpus": "made",
        "kind": "speaker",
        "note": "4 recordings to train, 2 to test; 0 of 1 test speakers are also in training",
        "seed": 1,
        "speakers": {
          "both": [],
          "test": [
            "ann",
          ],
          "train": [
            "bob",
            "eve",
          ],
        },
        "test": [
          "0_ann_0.wav",
          "1_ann_0.wav",
        ],
        "train": [
          "0_bob_0.wav",
          "1_bob_0.wav",
          "0_eve_0.wav",
          "1_eve_0.wav",
        ],
        "warnings": [],
      }
    `);
  });
});

describe('validationSplit', () => {
  it('divides the training side, and never touches the test side (property)', () => {
    fc.assert(
      fc.property(
        anyCorpus,
        seed,
        testShare,
        fc.constantFrom('speaker', 'random'),
        (corpus, seed, share, kind) => {
          const split = splitCorpus(corpus, kind as 'speaker' | 'random', { seed });
          const { train, validation } = validationSplit(corpus, split, { seed, share });
          expect([...train, ...validation].sort((a, b) => a - b)).toEqual(split.train);
          const labels = (side: number[]) => labelsOf(side.map((i) => corpus.clips[i]!));
          expect(labels(train)).toEqual(labels(split.train));
        },
      ),
    );
  });

  it('draws speakers so that both parts have every class, where a class is of few speakers', () => {
    const [women, men] = [corpusOf(people(6), ['f'], 2), corpusOf(people(20), ['m'], 2)];
    const corpus = {
      ...women,
      clips: [...women.clips, ...men.clips.map((c) => ({ ...c, speaker: `m${c.speaker}` }))],
    };
    const labels = (side: number[]) => labelsOf(side.map((i) => corpus.clips[i]!));
    for (let seed = 0; seed < 20; seed++) {
      const split = splitCorpus(corpus, 'speaker', { seed });
      const { train, validation, note } = validationSplit(corpus, split, { seed });
      expect(note).toContain('by speaker');
      expect([split.test, train, validation].map(labels)).toEqual(Array(3).fill(['f', 'm']));
    }
  });

  it('goes by speaker from 5 training speakers on, and only if the test side does', () => {
    const by = (speakers: number, kind: 'speaker' | 'random') => {
      const corpus = corpusOf(people(speakers), digits, 4);
      const { train, validation, note } = validationSplit(
        corpus,
        splitCorpus(corpus, kind, { testShare: 0.15 }),
      );
      return [
        speakerSides(corpus, { train, test: validation }).both.length === 0,
        note.includes('by speaker'),
      ];
    };
    expect(by(6, 'speaker')).toEqual([true, true]);
    expect(by(5, 'speaker')).toEqual([false, false]);
    expect(by(6, 'random')).toEqual([false, false]);
  });
});
