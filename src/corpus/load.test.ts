// Loading corpora from real folders: each layout, what people really have on disk, and what must be refused.
import { chmodSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/corpus.ts';
import { describeShared, sharedPath } from '../../test/support/shared.ts';
import { CorpusError, FileError } from '../errors.ts';
import { type Clip, labelsOf, pathInside, speakersOf } from './clip.ts';
import { loadCorpus } from './load.ts';
import { splitCorpus } from './split-kinds.ts';

const meta = JSON.stringify({
  '01': { accent: 'German', age: 30, gender: 'male', 'native speaker': 'no' },
  '02': { accent: 'Brasilian', age: '27', gender: 'female', 'native speaker': 'no' },
});
const audioMnist = ['01/0_01_0.wav', '01/1_01_0.wav', '02/0_02_0.wav', '02/1_02_0.wav', '02/1_02_1.wav'];
const below = (folder: string) => audioMnist.map((path) => `${folder}${path}`);

describe('AudioMNIST', () => {
  it.each([
    ['data', 'data/', 'data/audioMNIST_meta.txt'],
    ['data, with the table above it', 'data/', 'audioMNIST_meta.txt'],
    ['no data folder', '', 'audioMNIST_meta.txt'],
    ['an unpacked archive', 'AudioMNIST-master/data/', 'AudioMNIST-master/data/audioMNIST_meta.txt'],
  ])('is recognised: %s', async (_, folder, table) => {
    const root = temporaryFolder(below(folder), { [table]: meta });
    const corpus = await loadCorpus(root);
    expect(corpus).toMatchObject({ layout: 'audiomnist', name: basename(root), synthetic: false });
    expect(corpus.note).toBeUndefined();
    expect(corpus.clips.map((clip) => pathInside(corpus, clip))).toEqual(below(folder));
    expect(corpus.clips[4]).toEqual({
      path: `${root}/${folder}02/1_02_1.wav`,
      label: '1',
      speaker: '02',
      columns: { repetition: '1', accent: 'Brasilian', age: '27', gender: 'female', 'native speaker': 'no' },
    });
  });

  it('is recognised from its data folder alone, and among other folders', async () => {
    const root = temporaryFolder([...below('data/'), 'models/x.wav'], { 'data/audioMNIST_meta.txt': meta });
    expect((await loadCorpus(join(root, 'data'))).clips).toHaveLength(5);
    expect((await loadCorpus(root)).clips).toHaveLength(5);
  });

  it('says what is missing in the table, and which recordings do not fit', async () => {
    const none = await loadCorpus(temporaryFolder(below('data/')));
    expect(none.note).toContain('audioMNIST_meta.txt is missing');
    const odd = temporaryFolder([...below(''), '03/0_03_0.wav', '03/0_04_0.wav'], {
      'audioMNIST_meta.txt': meta,
    });
    const { note, clips } = await loadCorpus(odd);
    expect(note).toContain('lacks speaker 03');
    expect(note).toContain('1 recording left out');
    expect(note).toContain('03/0_04_0.wav');
    expect(clips).toHaveLength(6);
  });

  it.each([
    ['no JSON', '{'],
    ['another form', '{"01": 3}'],
  ])('refuses a table that is %s', async (_, text) => {
    const root = temporaryFolder(below(''), { 'audioMNIST_meta.txt': text });
    await expect(loadCorpus(root)).rejects.toThrow(CorpusError);
    await expect(loadCorpus(root)).rejects.toThrow(/audioMNIST_meta.txt: expected .*, got/);
  });
});

describeShared('data/audiomnist/audioMNIST_meta.txt', "AudioMNIST's own table", () => {
  it('is read', async () => {
    const { readFileSync } = await import('node:fs');
    const table = readFileSync(sharedPath('data/audiomnist/audioMNIST_meta.txt'), 'utf8');
    const root = temporaryFolder(['data/12/0_12_0.wav', 'data/60/9_60_49.wav'], {
      'data/audioMNIST_meta.txt': table,
    });
    const { clips, note } = await loadCorpus(root);
    expect(note).toBeUndefined();
    expect(clips.map((clip) => [clip.label, clip.columns.gender])).toEqual([
      ['0', 'female'],
      ['9', 'female'],
    ]);
    expect(clips[1]!.columns.repetition).toBe('49');
  });
});

describe('FSDD', () => {
  it.each(['', 'recordings/', 'free-spoken-digit-dataset-master/recordings/'])(
    'is recognised in "%s"',
    async (folder) => {
      const root = temporaryFolder([`${folder}0_ann_0.wav`, `${folder}1_ann_12.WAV`, `${folder}notes.wav`]);
      const corpus = await loadCorpus(root);
      expect(corpus).toMatchObject({ layout: 'fsdd', synthetic: false });
      expect(corpus.clips.map(({ label, speaker, columns }) => [label, speaker, columns.repetition])).toEqual(
        [
          ['0', 'ann', '0'],
          ['1', 'ann', '12'],
        ],
      );
      expect(corpus.note).toContain(`1 recording left out`);
      expect(corpus.note).toContain(`${folder}notes.wav`);
    },
  );
});

describeShared('data/fsdd/recordings', 'the Free Spoken Digit Dataset', () => {
  it('loads: 3,000 clips, 6 speakers, 10 digits', async () => {
    const corpus = await loadCorpus(sharedPath('data/fsdd'));
    expect(corpus).toMatchObject({ layout: 'fsdd', name: 'fsdd', synthetic: false });
    expect(corpus.note).toBeUndefined();
    expect(corpus.clips).toHaveLength(3000);
    expect(speakersOf(corpus.clips)).toEqual(['george', 'jackson', 'lucas', 'nicolas', 'theo', 'yweweler']);
    expect(labelsOf(corpus.clips).join('')).toBe('0123456789');
  });
});

describe('a folder per class', () => {
  it('takes the folder as label, in natural order of numbers, and knows no speakers', async () => {
    const root = temporaryFolder(
      ['10/a.wav', '9/b.wav', '9/c.wave', 'yes/d.wav', '_background_noise_/e.wav', 'f.wav'],
      {
        'docs/readme.txt': '',
      },
    );
    const corpus = await loadCorpus(root);
    expect(corpus).toMatchObject({ layout: 'folders', synthetic: false });
    expect(labelsOf(corpus.clips)).toEqual(['9', '10', 'yes']);
    expect(speakersOf(corpus.clips)).toEqual([]);
    expect(corpus.note).toContain('no class folders: _background_noise_, docs');
    expect(corpus.note).toContain('1 recording left out');
    expect(corpus.clips.map((clip) => clip.path)).toEqual(corpus.clips.map((clip) => clip.path).sort());
  });

  it('does not take the sides of a split for classes', async () => {
    const root = temporaryFolder(['train/cat/a.wav', 'train/dog/b.wav', 'test/cat/c.wav', 'test/dog/d.wav']);
    await expect(loadCorpus(root)).rejects.toThrow(CorpusError);
  });

  it('follows links', async () => {
    const root = temporaryFolder(['all/one/a.wav', 'all/two/b.wav', 'all/two/c.wav']);
    symlinkSync(join(root, 'all/one/a.wav'), join(root, 'all/two/z.wav'));
    symlinkSync(join(root, 'all'), join(root, 'link'));
    const { clips } = await loadCorpus(join(root, 'link'));
    expect(clips.map((clip) => clip.label)).toEqual(['one', 'two', 'two', 'two']);
  });
});

describe('what is refused', () => {
  it('a folder that is not there, and a file', async () => {
    const root = temporaryFolder(['a.wav']);
    await expect(loadCorpus(join(root, 'nowhere'))).rejects.toThrow(FileError);
    await expect(loadCorpus(join(root, 'nowhere'))).rejects.toThrow(/nowhere: no such file or folder/);
    await expect(loadCorpus(join(root, 'a.wav'))).rejects.toThrow(FileError);
    await expect(loadCorpus(join(root, 'a.wav'))).rejects.toThrow(
      /expected a folder of recordings, got a file/,
    );
  });

  it.skipIf(process.getuid?.() === 0)(
    'an unreadable folder (skipped for root, who may read all)',
    async () => {
      const root = temporaryFolder(['one/a.wav', 'two/b.wav']);
      chmodSync(join(root, 'two'), 0);
      await expect(loadCorpus(root)).rejects.toThrow(/two: permission denied/);
      chmodSync(join(root, 'two'), 0o700);
    },
  );

  it.each([
    ['an empty folder', [], {}, /not a corpus of a known layout: expected AudioMNIST.*got no recording/],
    ['recordings of no layout', ['a.wav', 'b.wav'], {}, /got 2 recordings named like a.wav/],
    [
      'another format',
      [],
      { 'x.m4a': '', 'y.m4a': '' },
      /no recording that can be read, but 2 like x.m4a. Conv/,
    ],
    ['one class folder', ['cat/a.wav', 'cat/b.wav'], {}, /two classes or more, got 2 of one, 'cat'/],
    ['one digit', ['3_ann_0.wav', '3_bob_0.wav'], {}, /two classes or more, got 2 of one, '3'/],
  ] as [string, string[], Record<string, string>, RegExp][])('%s', async (_, wavs, texts, message) => {
    const root = temporaryFolder(wavs, texts);
    await expect(loadCorpus(root)).rejects.toThrow(CorpusError);
    await expect(loadCorpus(root)).rejects.toThrow(message);
  });
});

describe('Speech Commands', () => {
  const words = ['yes/2aa787cf_nohash_0.wav', 'no/2aa787cf_nohash_1.wav', 'no/8b775397_nohash_0.wav'];
  const more = ['yes/8b775397_nohash_3.wav', 'yes/004ae714_nohash_0.wav', 'no/004ae714_nohash_0.wav'];
  const facts = (clips: readonly Clip[]) =>
    clips.map(({ label, speaker, columns }) => [label, speaker, columns.repetition, columns.part].join(' '));

  it('is recognised, with its lists of what validates and what tests, and noise is no class', async () => {
    const root = temporaryFolder([...words, ...more, '_background_noise_/pink_noise.wav'], {
      'testing_list.txt': 'yes/004ae714_nohash_0.wav\r\nno/004ae714_nohash_0.wav\r\n',
      'validation_list.txt': `${words[0]}\n${words[1]}\n`,
    });
    const corpus = await loadCorpus(root);
    expect(corpus).toMatchObject({ layout: 'speech-commands', synthetic: false });
    expect(corpus.note).toBeUndefined();
    expect(facts(corpus.clips)).toEqual([
      'no 004ae714 0 testing',
      'no 2aa787cf 1 validation',
      'no 8b775397 0 training',
      'yes 004ae714 0 testing',
      'yes 2aa787cf 0 validation',
      'yes 8b775397 3 training',
    ]);
    const { train, validation, test } = splitCorpus(corpus, 'official');
    expect({ train, validation, test }).toEqual({ train: [2, 5], validation: [1, 4], test: [0, 3] });
  });

  it('without the lists, the rule by which they were made divides it, and the note says so', async () => {
    const { clips, note } = await loadCorpus(temporaryFolder([...words, ...more, 'no/other.wav']));
    expect(facts(clips)).toContain('no 2aa787cf 1 testing');
    expect(facts(clips)).toContain('no 8b775397 0 validation');
    expect(facts(clips)).toContain('yes 004ae714 0 training');
    expect(note).toMatch(/^validation_list.txt or testing_list.txt is missing; .*1 recording left out/);
  });
});

it.each([
  ['AudioMNIST', 'audiomnist', ['01/0_01_0', '01/1_01_0']],
  ['FSDD', 'fsdd', ['0_ann_0', '1_ann_0']],
  ['Speech Commands', 'speech-commands', ['yes/004ae714_nohash_0', 'no/004ae714_nohash_0']],
])("%s' layout holds recordings of any format", async (_, layout, stems) => {
  const names = stems.map((stem, i) => `${stem}.${['flac', 'OPUS'][i]}`);
  expect(await loadCorpus(temporaryFolder(names))).toMatchObject({ layout, clips: [{}, {}] });
});
