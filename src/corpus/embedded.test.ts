// Facts about the recordings that ship with the package: what README says of them holds for every file.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { labelsOf, speakersOf } from './clip.ts';
import { embeddedCorpusPath, loadEmbedded } from './embedded.ts';
import { speakerSides } from './split.ts';
import { splitCorpus } from './split-kinds.ts';

const root = embeddedCorpusPath();
const corpus = await loadEmbedded();

/** Samples of a WAV with a 44-byte header, checked to be 8 kHz, mono, 16 bit PCM. */
function samplesOf(path: string): Int16Array {
  const bytes = readFileSync(path);
  const header = [
    bytes.readUInt16LE(20),
    bytes.readUInt16LE(22),
    bytes.readUInt32LE(24),
    bytes.readUInt16LE(34),
  ];
  expect(header).toEqual([1, 1, 8000, 16]);
  expect(bytes.toString('latin1', 36, 40)).toBe('data');
  return Int16Array.from({ length: (bytes.length - 44) / 2 }, (_, i) => bytes.readInt16LE(44 + 2 * i));
}

/** Mean power over each stretch of 5 ms (40 samples), one for every sample it can start at. */
function powers(samples: Int16Array): number[] {
  let sum = 0;
  const out: number[] = [];
  samples.forEach((s, i) => {
    sum += s * s - (i >= 40 ? samples[i - 40]! ** 2 : 0);
    if (i >= 39) out.push(sum / 40);
  });
  return out;
}

describe('the embedded corpus', () => {
  it('has 800 clips: 10 digits by 40 voices, twice; and says that it is synthetic', () => {
    expect(corpus).toMatchObject({ name: 'espeak digits', layout: 'fsdd', synthetic: true });
    expect(corpus.note).toBe('synthetic: spoken by espeak-ng 1.51, not by people');
    expect(corpus.clips).toHaveLength(800);
    expect(labelsOf(corpus.clips).join('')).toBe('0123456789');
    expect(speakersOf(corpus.clips)).toHaveLength(40);
    const each = new Set(corpus.clips.map((c) => `${c.label} ${c.speaker} ${c.columns.repetition}`));
    expect(each.size).toBe(800);
    expect(corpus.clips.every((c) => c.columns.repetition === '0' || c.columns.repetition === '1')).toBe(
      true,
    );
  });

  it('has 40 distinct pairs of variant and accent, both sexes, 8 accents, no MBROLA voice', () => {
    const columns = corpus.clips.map((clip) => clip.columns);
    expect(new Set(columns.map((c) => `${c.variant} ${c.accent}`)).size).toBe(40);
    expect(new Set(columns.map((c) => c.accent)).size).toBe(8);
    expect(new Set(columns.flatMap((c) => c.sex ?? []))).toEqual(new Set(['male', 'female']));
    expect(columns.some((c) => /mb/i.test(`${c.variant} ${c.accent}`))).toBe(false);
  });

  it('tests officially on 10 voices, in all accents and both sexes, with no variant on both sides', () => {
    const split = splitCorpus(corpus, 'official');
    expect([split.train.length, split.test.length]).toEqual([600, 200]);
    expect(speakerSides(corpus, split).both).toEqual([]);
    const column = (side: number[], name: string) =>
      new Set(side.flatMap((i) => corpus.clips[i]!.columns[name] ?? []));
    const variants = column(split.train, 'variant');
    expect([...column(split.test, 'variant')].filter((variant) => variants.has(variant))).toEqual([]);
    expect(column(split.test, 'accent').size).toBe(8);
    expect(column(split.test, 'sex').size).toBe(2);
  });

  it('takes at most 6 MB', () => {
    const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    const bytes = files.reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0);
    expect(bytes).toBeLessThanOrEqual(6e6);
  });

  it('holds distinct 8 kHz recordings of 0.15 s or more that do not clip and have no silent edges', () => {
    const seen = new Map<string, string>();
    for (const { path } of corpus.clips) {
      const samples = samplesOf(path);
      const peak = samples.reduce((max, s) => Math.max(max, Math.abs(s)), 0);
      const twin = seen.get(samples.join());
      expect(twin, `${basename(path)} equals ${twin}`).toBeUndefined();
      seen.set(samples.join(), basename(path));
      expect(samples.length, path).toBeGreaterThanOrEqual(0.15 * 8000);
      expect(peak, path).toBeGreaterThan(0.05 * 32768);
      expect(peak, path).toBeLessThan(0.85 * 32768);
      // Trimmed where the power over 5 ms is 45 dB below the loudest, with 10 ms kept: found again within 20 ms.
      const power = powers(samples);
      const threshold = power.reduce((max, p) => Math.max(max, p), 0) * 10 ** -4.5;
      for (const edge of [power.slice(0, 120), power.slice(-120)]) {
        expect(
          edge.some((p) => p > threshold),
          path,
        ).toBe(true);
      }
    }
  });
});
