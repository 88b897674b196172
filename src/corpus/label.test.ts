// Classes by another column than the layout's own: what each layout offers, and what is said where there is no such column.
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/corpus.ts';
import { labelsOf } from './clip.ts';
import { embeddedCorpusPath } from './embedded.ts';
import { foldsOf } from './folds.ts';
import { loadCorpus } from './load.ts';

const meta = JSON.stringify({
  '01': { accent: 'German', gender: 'male' },
  '02': { accent: 'Brasilian', gender: 'female' },
  '03': { accent: 'German' },
});
const recordings = ['01', '02', '03'].flatMap((who) => [0, 1].map((d) => `data/${who}/${d}_${who}_0.wav`));
const audioMnist = () => temporaryFolder(recordings, { 'data/audioMNIST_meta.txt': meta });

describe('AudioMNIST', () => {
  it('by sex, which its table calls gender; who has no value of it is left out, which is said', async () => {
    const root = audioMnist();
    for (const column of ['sex', 'gender']) {
      const { clips, note } = await loadCorpus(root, { label: column });
      expect(clips.map(({ label, speaker, columns }) => [label, speaker, columns])).toEqual([
        ['male', '01', { repetition: '0', accent: 'German', digit: '0' }],
        ['male', '01', { repetition: '0', accent: 'German', digit: '1' }],
        ['female', '02', { repetition: '0', accent: 'Brasilian', digit: '0' }],
        ['female', '02', { repetition: '0', accent: 'Brasilian', digit: '1' }],
      ]);
      expect(note).toBe(
        `2 recordings left out, without a value in the column '${column}': data/03/0_03_0.wav, data/03/1_03_0.wav`,
      );
    }
  });

  it('by speaker, and by digit, which is its own', async () => {
    const root = audioMnist();
    const bySpeaker = await loadCorpus(root, { label: 'speaker' });
    expect(labelsOf(bySpeaker.clips)).toEqual(['01', '02', '03']);
    expect(bySpeaker.clips[1]!.columns).toEqual({
      repetition: '0',
      accent: 'German',
      gender: 'male',
      digit: '1',
    });
    expect(await loadCorpus(root, { label: 'digit' })).toEqual(await loadCorpus(root));
    expect(() => foldsOf(bySpeaker, 'loso')).toThrow(/no speaker can be kept out of training/);
  });

  it.each([
    [
      'age',
      /classes by the column 'age': expected .*, got the columns digit, speaker, repetition, accent, gender. Name/,
    ],
    ['repetition', /got one value, '0'/],
  ])('refuses %s', async (label, message) => {
    await expect(loadCorpus(audioMnist(), { label })).rejects.toThrow(message);
  });
});

it('a folder per class knows the class only', async () => {
  const root = temporaryFolder(['cat/a.wav', 'dog/b.wav']);
  await expect(loadCorpus(root, { label: 'speaker' })).rejects.toThrow(/got the columns class. Name one/);
  expect(labelsOf((await loadCorpus(root, { label: 'class' })).clips)).toEqual(['cat', 'dog']);
});

it('the digits that ship with the package, by accent', async () => {
  const corpus = await loadCorpus(embeddedCorpusPath(), { label: 'accent' });
  expect(labelsOf(corpus.clips)).toHaveLength(8);
  expect(corpus.clips[0]!.columns.digit).toBe('0');
  const [split] = foldsOf(corpus);
  expect(split!.kind).toBe('speaker');
});
