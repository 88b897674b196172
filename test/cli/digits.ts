// Small corpora of real speech: recordings of the embedded digits, copied into a folder of their own.
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import { embeddedCorpusPath } from '../../src/corpus/embedded.ts';

/** Five of the 40 voices. */
export const VOICES = ['alex', 'andrea', 'anika', 'f1', 'm3'] as const;

export interface Chosen {
  readonly digits?: readonly string[];
  readonly voices?: readonly string[];
  readonly takes?: readonly number[];
  /** Path of a recording inside the folder; as in the Free Spoken Digit Dataset unless given. */
  readonly name?: (digit: string, voice: string, take: number) => string;
}

/** Copies recordings into a folder. @returns their paths inside it, sorted */
export function copyDigits(
  folder: string,
  {
    digits = ['0', '1', '2'],
    voices = VOICES,
    takes = [0, 1],
    name = (digit, voice, take) => `${digit}_${voice}_${take}.wav`,
  }: Chosen = {},
): string[] {
  const names = digits.flatMap((digit) =>
    voices.flatMap((voice) =>
      takes.map((take) => {
        const copy = name(digit, voice, take);
        const from = join(embeddedCorpusPath(), 'recordings', `${digit}_${voice}_${take}.wav`);
        mkdirSync(dirname(join(folder, copy)), { recursive: true });
        copyFileSync(from, join(folder, copy));
        return copy;
      }),
    ),
  );
  return names.sort();
}

/** A folder for the tests of a file, removed after them. */
export function home(): string {
  const folder = mkdtempSync(join(tmpdir(), 'earmark-run-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes files into a folder. @param files path inside → contents */
export function writeFiles(folder: string, files: Readonly<Record<string, Uint8Array | string>>): void {
  for (const [path, contents] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), contents);
  }
}

/** Every file and folder below a folder, hidden ones too. */
export function everythingIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
}

/** The first bytes of every PNG. */
export const PNG_MAGIC = '89504e470d0a1a0a';
