// Makes small corpora: real folders of real WAV files in a temporary place, and corpora in memory.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Corpus } from '../../src/corpus/clip.ts';

/** A tenth of a second of a tone: WAV, 8 kHz, mono, 16 bit. */
export function tinyWav(hertz = 440): Uint8Array {
  const samples = Int16Array.from(
    { length: 800 },
    (_, n) => 8000 * Math.sin((2 * Math.PI * hertz * n) / 8000),
  );
  const bytes = new Uint8Array(44 + samples.byteLength);
  const view = new DataView(bytes.buffer);
  const text = (at: number, value: string) => bytes.set(new TextEncoder().encode(value), at);
  text(0, 'RIFF');
  view.setUint32(4, bytes.length - 8, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, 8000, true); // Hz
  view.setUint32(28, 16000, true); // bytes a second
  view.setUint16(32, 2, true); // bytes a frame
  view.setUint16(34, 16, true); // bits
  text(36, 'data');
  view.setUint32(40, samples.byteLength, true);
  samples.forEach((s, n) => {
    view.setInt16(44 + 2 * n, s, true);
  });
  return bytes;
}

/** A temporary folder of the given files (a name alone is a tiny WAV), removed when the test has finished. */
export function temporaryFolder(wavs: string[], texts: Record<string, string> = {}): string {
  const root = mkdtempSync(join(tmpdir(), 'earmark-corpus-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const write = (path: string, data: Uint8Array | string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), data);
  };
  wavs.forEach((path, i) => {
    write(path, tinyWav(200 + 10 * i));
  });
  for (const [path, text] of Object.entries(texts)) write(path, text);
  return root;
}

/** A corpus in memory: for every speaker, every label `takes` times, named as in the Free Spoken Digit Dataset. */
export function corpusOf(speakers: (string | null)[], labels: string[], takes = 1): Corpus {
  const clips = speakers.flatMap((speaker) =>
    labels.flatMap((label) =>
      Array.from({ length: takes }, (_, take) => ({
        path: `/made/${label}_${speaker ?? 'x'}_${take}.wav`,
        label,
        speaker,
        columns: { repetition: String(take) },
      })),
    ),
  );
  return { name: 'made', layout: 'fsdd', root: '/made', clips, synthetic: false };
}
