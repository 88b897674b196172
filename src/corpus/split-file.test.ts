// Splits that were written down: every form that is understood, and each mistake refused by name.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { corpusOf, temporaryFolder } from '../../test/support/corpus.ts';
import { CorpusError } from '../errors.ts';
import type { Corpus } from './clip.ts';
import { foldsOf } from './folds.ts';
import { loadCorpus } from './load.ts';
import { describeSplit } from './split.ts';
import { resolveFolds, resolveSplit } from './split-file.ts';
import { splitCorpus } from './split-kinds.ts';
import { splitFromLists } from './split-lists.ts';
import { validationSplit } from './validation.ts';

const corpus = corpusOf(['ann', 'bob', 'eve'], ['0', '1']); // 0_ann_0, 1_ann_0, 0_bob_0, 1_bob_0, 0_eve_0, 1_eve_0
const lists = (value: Parameters<typeof splitFromLists>[1], of: Corpus = corpus) =>
  splitFromLists(of, value, 'my.json');

describe('lists of paths', () => {
  it('take all that does not test to train', () => {
    const split = lists({ test: ['0_eve_0.wav', './1_eve_0.wav'] });
    expect(split).toMatchObject({
      kind: 'file',
      seed: null,
      train: [0, 1, 2, 3],
      test: [4, 5],
      warnings: [],
    });
  });

  it('may leave recordings out, which is said', () => {
    const split = lists({ train: ['0_ann_0.wav', '1_ann_0.wav'], test: ['0_eve_0.wav'] });
    expect(split.warnings).toEqual(['no test recording of class 1', '3 recordings are on neither side']);
  });

  it('find a recording from above and from below its root', () => {
    expect(lists({ test: ['recordings/0_eve_0.wav', 'a\\b\\1_eve_0.wav'] }).test).toEqual([4, 5]);
    const nested = { ...corpus, root: '/', clips: corpus.clips };
    expect(lists({ test: ['0_eve_0.wav'] }, nested).test).toEqual([4]);
  });

  it('may name speakers instead', () => {
    expect(lists({ testSpeakers: ['bob'] }).test).toEqual([2, 3]);
  });

  it('may name a validation part', () => {
    const sides = { test: ['0_eve_0.wav', '1_eve_0.wav'], validationSpeakers: ['bob'] };
    expect(lists(sides)).toMatchObject({ train: [0, 1], validation: [2, 3], test: [4, 5] });
    const { note } = validationSplit(corpus, lists(sides));
    expect(note).toBe('2 recordings that the split sets aside decide when to stop');
  });

  it.each([
    [{ test: ['2_eve_0.wav'] }, /my.json: 2_eve_0.wav: expected the path of a recording in \/made, got none/],
    [{ test: ['other/0_eve_1.wav'] }, /got none/],
    [{ test: ['0_eve_0.wav', './0_eve_0.wav'] }, /listed twice/],
    [
      { test: ['0_eve_0.wav'], train: ['0_ann_0.wav', '0_eve_0.wav'] },
      /my.json: 0_eve_0.wav is on both sides/,
    ],
    [{ test: [] }, /test side of the split is empty/],
    [{ test: ['0_eve_0.wav'], train: [] }, /training side of the split is empty/],
    [
      { test: ['1_eve_0.wav'], train: ['0_ann_0.wav', '0_bob_0.wav'] },
      /class 1 would be tested but not trained. Correct the/,
    ],
    [{ test: ['0_eve_0.wav'], train: ['0_ann_0.wav', '0_bob_0.wav'] }, /one class to train on/],
    [{ testSpeakers: ['zoe'] }, /my.json: zoe: expected a speaker of made/],
    [{ train: ['0_ann_0.wav'] }, /either 'test' or 'testSpeakers', got neither/],
    [{ test: ['0_eve_0.wav'], testSpeakers: ['eve'] }, /got both/],
    [{ testSpeakers: ['eve'], validationSpeakers: ['eve'] }, /0_eve_0.wav is on both sides/],
    [
      { testSpeakers: ['eve'], validation: ['0_bob_0.wav'], train: ['0_bob_0.wav', '1_ann_0.wav'] },
      /0_bob_0.wav is on both sides/,
    ],
    [{ testSpeakers: ['eve'], validation: [] }, /the validation part of the split is empty/],
    [
      { testSpeakers: ['eve'], train: ['0_bob_0.wav', '1_bob_0.wav'], validation: ['2_bob_0.wav'] },
      /2_bob_0.wav: expected the path/,
    ],
  ])('refuse %j', (value, message) => {
    expect(() => lists(value)).toThrow(CorpusError);
    expect(() => lists(value)).toThrow(message);
  });

  it('refuse a name that several recordings have', async () => {
    const folders = await loadCorpus(temporaryFolder(['cat/1.wav', 'cat/2.wav', 'dog/1.wav', 'dog/2.wav']));
    expect(() => lists({ test: ['1.wav'] }, folders)).toThrow(/fits 2, such as cat\/1.wav and dog\/1.wav/);
    expect(lists({ test: ['cat/1.wav', 'dog/1.wav'] }, folders).test).toEqual([0, 2]);
    expect(() => lists({ test: ['bird/1.wav'] }, folders)).toThrow(/got none/);
  });
});

describe('resolveSplit', () => {
  it("reads a run's own split.json back, whichever folder the corpus is loaded from", async () => {
    const root = temporaryFolder(corpus.clips.map((clip) => `recordings/${clip.path.slice(6)}`));
    const above = await loadCorpus(root);
    const split = splitCorpus(above, 'speaker', { seed: 3 });
    const file = join(root, 'split.json');
    writeFileSync(file, JSON.stringify(describeSplit(split, above)));
    for (const folder of [root, join(root, 'recordings')]) {
      const again = await resolveSplit(await loadCorpus(folder), file);
      expect([again.train, again.test]).toEqual([split.train, split.test]);
    }
  });

  it('gives all folds, or the first', async () => {
    const folds = await resolveFolds(corpus, 'loso');
    expect(folds).toEqual(foldsOf(corpus, 'loso'));
    expect(await resolveSplit(corpus, 'loso')).toEqual(folds[0]);
    expect(describeSplit(folds[1]!, corpus)).toMatchObject({ fold: { index: 2, of: 3, name: 'bob' } });
  });

  it('knows the kinds by name and splits by speaker unless told', async () => {
    expect(await resolveSplit(corpus)).toEqual(splitCorpus(corpus, 'speaker'));
    expect(await resolveSplit(corpus, 'random', { seed: 5 })).toEqual(
      splitCorpus(corpus, 'random', { seed: 5 }),
    );
  });

  it('refuses what is neither a kind nor a file, and files of another form', async () => {
    const root = temporaryFolder([], { 'a.json': '[1', 'b.json': '{"test": "0_eve_0.wav"}' });
    await expect(resolveSplit(corpus, 'speakers')).rejects.toThrow(
      /unknown split 'speakers': expected speaker, official/,
    );
    await expect(resolveSplit(corpus, join(root, 'a.json'))).rejects.toThrow(
      /a.json: expected .* got no JSON/,
    );
    await expect(resolveSplit(corpus, join(root, 'b.json'))).rejects.toThrow(/b.json: expected .* at test/);
  });
});
