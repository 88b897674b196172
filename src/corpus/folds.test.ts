// Folds: each recording tested once, speakers apart, classes balanced, the published ones to the letter; and what is refused.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { corpusOf } from '../../test/support/corpus.ts';
import { describeShared, sharedPath } from '../../test/support/shared.ts';
import { CorpusError } from '../errors.ts';
import { type Corpus, labelsOf, speakersOf } from './clip.ts';
import { foldsOf, isSplitName } from './folds.ts';
import { type Split, speakerSides } from './split.ts';
import { validationSplit } from './validation.ts';

const people = (n: number) => Array.from({ length: n }, (_, i) => `p${i}`);
const digits = ['0', '1', '2'];
const numbers = (n: number) => Array.from({ length: n }, (_, i) => String(i + 1).padStart(2, '0'));
const ascending = (indices: Iterable<number>) => [...indices].sort((a, b) => a - b);

/** Every clip is tested in one fold and trains in all others; nothing is on two sides. */
function expectPartition(corpus: Corpus, folds: readonly Split[]) {
  const all = corpus.clips.map((_, i) => i);
  expect(ascending(folds.flatMap(({ test }) => test))).toEqual(all);
  for (const { train, test } of folds) expect(ascending([...train, ...test])).toEqual(all);
  expect(folds.map(({ fold }) => [fold?.index, fold?.of])).toEqual(
    folds.map((_, i) => [i + 1, folds.length]),
  );
}

describe('folds:K', () => {
  it('by speaker where speakers are known: nobody on both sides, sizes a speaker apart (property)', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 6 }),
        fc.integer({ min: 0, max: 14 }),
        fc.nat(),
        (k, more, seed) => {
          const corpus = corpusOf(people(k + more), digits, 2);
          const folds = foldsOf(corpus, `folds:${k}`, { seed });
          expectPartition(corpus, folds);
          expect(folds).toEqual(foldsOf(corpus, `folds:${k}`, { seed }));
          const sizes = folds.map((split) => {
            expect(speakerSides(corpus, split).both).toEqual([]);
            return speakerSides(corpus, split).test.length;
          });
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        },
      ),
    );
  });

  it('balances classes that few speakers have, and speakers of unlike diligence (property)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 5 }), fc.nat(), (k, seed) => {
        const [women, men] = [corpusOf(people(2 * k), ['f'], 3), corpusOf(people(8 * k), ['m'], 3)];
        const other = men.clips.map((clip) => ({ ...clip, speaker: `m${clip.speaker}` }));
        const corpus = { ...women, clips: [...women.clips, ...other] };
        for (const { test } of foldsOf(corpus, `folds:${k}`, { seed })) {
          const tested = test.map((i) => corpus.clips[i]!.label);
          expect(tested.filter((label) => label === 'f')).toHaveLength(6);
          expect(tested.filter((label) => label === 'm')).toHaveLength(24);
        }
      }),
    );
    const [rare, busy] = [corpusOf(people(6), digits, 1), corpusOf(['x', 'y', 'z'], digits, 6)];
    const corpus = { ...rare, clips: [...rare.clips, ...busy.clips] };
    expect(foldsOf(corpus, 'folds:3').map(({ test }) => test.length)).toEqual([24, 24, 24]);
  });

  it('at random where speakers are unknown: every class in every fold, one apart (property)', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 5 }),
        fc.integer({ min: 5, max: 13 }),
        fc.nat(),
        (k, takes, seed) => {
          const corpus = corpusOf([null], digits, takes);
          const folds = foldsOf(corpus, `folds:${k}`, { seed });
          expectPartition(corpus, folds);
          for (const label of digits) {
            const sizes = folds.map(
              ({ test }) => test.filter((i) => corpus.clips[i]!.label === label).length,
            );
            expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
          }
          expect(folds[0]!.warnings).toEqual([
            'the speakers are unknown: the same voices may be on both sides',
          ]);
        },
      ),
    );
  });

  it('depends on the seed', () => {
    const corpus = corpusOf(people(10), digits);
    const tests = [0, 1, 2, 3].map((seed) => foldsOf(corpus, 'folds:5', { seed })[0]!.test.join());
    expect(new Set(tests).size).toBeGreaterThan(2);
  });

  it.each(['folds:1', 'folds:', 'folds:2.5', 'folds:five', 'folds:-3'])('refuses %s', (name) => {
    expect(() => isSplitName(name)).toThrow(/expected folds:K with a K of 2 or more/);
  });

  it('refuses more folds than recordings', () => {
    expect(() => foldsOf(corpusOf([null], digits, 2), 'folds:1000000000')).toThrow(
      'made: cannot make 1000000000 folds: expected at most 6, one for each recording',
    );
  });

  it('refuses more folds than speakers, a few unknown speakers, and a class of one speaker', () => {
    const refused = (corpus: Corpus) => () => foldsOf(corpus, 'folds:4');
    expect(refused(corpusOf(people(3), digits))).toThrow(
      'made: cannot make 4 folds by speaker: expected 4 known speakers or more, got 3. Use --split random',
    );
    expect(refused(corpusOf([...people(5), null], digits))).toThrow(
      /got 3 of 18 recordings by unknown speakers/,
    );
    const corpus = corpusOf(people(5), digits);
    const own = { ...corpus.clips[0]!, path: '/made/9.wav', label: '9' };
    expect(refused({ ...corpus, clips: [...corpus.clips, own] })).toThrow(
      /made, fold \d: class 9 would be tested but not trained/,
    );
  });
});

describe('loso', () => {
  it('leaves one speaker out in turn', () => {
    const corpus = corpusOf(['10', '9', 'ann'], digits, 2);
    const folds = foldsOf(corpus, 'loso');
    expectPartition(corpus, folds);
    expect(folds.map(({ fold }) => fold?.name)).toEqual(['9', '10', 'ann']);
    expect(folds.map((split) => speakerSides(corpus, split).test)).toEqual([['9'], ['10'], ['ann']]);
  });

  it('refuses unknown speakers and a single one', () => {
    expect(() => foldsOf(corpusOf(['ann', null], digits), 'loso')).toThrow(
      /cannot leave one speaker out.*3 of 6/,
    );
    expect(() => foldsOf(corpusOf(['ann'], digits), 'loso')).toThrow(CorpusError);
  });
});

describe('column:NAME', () => {
  it('leaves out one value of a column in turn', () => {
    const corpus = corpusOf(people(2), digits, 3);
    const folds = foldsOf(corpus, 'column:repetition');
    expectPartition(corpus, folds);
    expect(folds.map(({ fold }) => fold?.name)).toEqual(['0', '1', '2']);
    expect(() => foldsOf(corpus, 'column:fold')).toThrow(
      /split by column 'fold': expected a value of it for every recording, got none for .*, which has repetition/,
    );
  });
});

describe("AudioMNIST's published folds", () => {
  const corpus: Corpus = { ...corpusOf(numbers(60), digits, 2), layout: 'audiomnist' };

  it('digits: 36 speakers to train, 12 to validate, 12 to test; everybody is tested once', () => {
    const folds = foldsOf(corpus, 'audiomnist-digit');
    const sizes = folds.map(({ train, validation, test }) => [train.length, validation?.length, test.length]);
    expect(sizes).toEqual(Array.from({ length: 5 }, () => [216, 72, 72]));
    expect(ascending(folds.flatMap(({ test }) => test))).toEqual(corpus.clips.map((_, i) => i));
    // What the literature calls fold 0.
    const testers = ['05', '13', '18', '22', '26', '32', '33', '42', '45', '51', '52', '60'];
    expect(speakerSides(corpus, folds[0]!).test).toEqual(testers);
    expect(folds[0]!.note).toBe(
      '216 recordings to train, 72 to validate, 72 to test; 0 of 12 test speakers are also in training',
    );
    expect(folds[0]!.warnings).toEqual([]);
  });

  it('sex: 12, 6 and 6 of 24 speakers, half of each side women', () => {
    const women = new Set([12, 26, 28, 36, 43, 47, 52, 56, 57, 58, 59, 60]);
    const sexes = {
      ...corpus,
      clips: corpus.clips.map((clip) => ({
        ...clip,
        label: women.has(Number(clip.speaker)) ? 'female' : 'male',
      })),
    };
    for (const { train, validation, test, note, warnings } of foldsOf(sexes, 'audiomnist-sex')) {
      for (const [side, count] of [
        [train, 36],
        [validation!, 18],
        [test, 18],
      ] as const) {
        const labels = side.map((i) => sexes.clips[i]!.label);
        expect([labels.filter((l) => l === 'female').length, labels.length]).toEqual([count, 2 * count]);
      }
      expect(note).toContain('216 recordings are on neither side');
      expect(warnings).toEqual([]);
    }
  });

  it('refuses a corpus without its speakers', () => {
    expect(() => foldsOf(corpusOf(people(60), digits), 'audiomnist-digit')).toThrow(
      /the folds of AudioMNIST: expected its speakers, .* got none named 28, 56, 7, 19, 35, …. Use --split folds:5/,
    );
    expect(() => foldsOf(corpusOf(numbers(59), digits), 'audiomnist-sex')).toThrow(/none named 60. Use/);
  });
});

describeShared('data/audiomnist/splits.json', "AudioMNIST's folds as its authors list them (golden)", () => {
  interface Published {
    digit_folds: Record<string, number[]>;
    digit_splits: { train: string; validate: string; test: string }[];
    gender_folds: Record<string, number[]>;
    gender_splits: { train: string; validate: string; test: string }[];
  }
  const lists = JSON.parse(readFileSync(sharedPath('data/audiomnist/splits.json'), 'utf8')) as Published;
  const corpus = corpusOf(numbers(60), digits);
  const speakers = (side: readonly number[] | undefined) =>
    ascending(new Set(side?.map((i) => Number(corpus.clips[i]!.speaker))));

  it.each([
    ['audiomnist-digit', lists.digit_splits, (letter: string) => lists.digit_folds[letter]!],
    [
      'audiomnist-sex',
      lists.gender_splits,
      (letter: string) => [...lists.gender_folds[`${letter}_f`]!, ...lists.gender_folds[`${letter}_m`]!],
    ],
  ] as const)('%s', (name, splits, group) => {
    const listed = (letters: string) => ascending([...letters.replaceAll('+', '')].flatMap(group));
    const folds = foldsOf(corpus, name);
    expect(folds.map(({ train, validation, test }) => [train, validation, test].map(speakers))).toEqual(
      splits.map(({ train, validate, test }) => [train, validate, test].map(listed)),
    );
  });
});

describe('speakers as classes', () => {
  const corpus = corpusOf(people(6), digits, 4);
  const named: Corpus = { ...corpus, clips: corpus.clips.map((clip) => ({ ...clip, label: clip.speaker! })) };

  it('cannot be kept apart, which is said with what to do', () => {
    for (const name of ['speaker', 'loso', 'column:speaker'] as const) {
      const columns = named.clips.map((clip) => ({ ...clip, columns: { speaker: clip.speaker! } }));
      expect(() => foldsOf({ ...named, clips: columns }, name)).toThrow(
        /every class is one speaker's own, so that no speaker can be kept out of training. Use --split random/,
      );
    }
  });

  it("are split at random by default, each speaker's recordings alike, and there is nothing to warn of", () => {
    for (const split of [...foldsOf(named), ...foldsOf(named, 'folds:4')]) {
      expect(split.kind).not.toBe('speaker');
      expect(split.warnings).toEqual([]);
      const counts = people(6).map((who) => split.test.filter((i) => named.clips[i]!.label === who).length);
      expect(new Set(counts).size).toBe(1);
      const { validation } = validationSplit(named, split);
      expect(speakersOf(validation.map((i) => named.clips[i]!))).toEqual(people(6));
    }
  });
});

it('each fold has a validation part of its own, by speaker, that the test part has nothing of', () => {
  const corpus = corpusOf(people(12), digits, 2);
  for (const name of ['folds:4', 'loso'] as const) {
    for (const split of foldsOf(corpus, name)) {
      const { train, validation } = validationSplit(corpus, split, { seed: 1 });
      expect(ascending([...train, ...validation])).toEqual(split.train);
      for (const test of [split.test, train]) {
        expect(speakerSides(corpus, { train: validation, test }).both).toEqual([]);
      }
      expect(labelsOf(validation.map((i) => corpus.clips[i]!))).toEqual(digits);
    }
  }
});
