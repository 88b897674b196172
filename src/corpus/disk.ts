// Reads what lies in a corpus folder: listings in a fixed order, and the JSON tables beside recordings.
import { readdir, stat } from 'node:fs/promises';
import type { z } from 'zod';
import { CorpusError, FileError } from '../errors.ts';
import { diskError, readBytes } from '../files/atomic.ts';
import { byText } from './clip.ts';

/** A folder and the names in it, sorted; hidden ones are left out, links are followed. */
export interface Listing {
  path: string;
  folders: string[];
  files: string[];
}

/** Lists a folder. @throws FileError where it is missing, no folder, or not readable */
export async function listFolder(path: string): Promise<Listing> {
  try {
    if (!(await stat(path)).isDirectory()) {
      const todo = 'A manifest is a file whose name ends in .csv, .tsv or .jsonl.';
      throw new FileError({ what: path, expected: 'a folder of recordings', got: 'a file', todo });
    }
    const entries = (await readdir(path, { withFileTypes: true })).filter((e) => !e.name.startsWith('.'));
    const isFolder = await Promise.all(
      entries.map((e) => (e.isSymbolicLink() ? isLinkToFolder(`${path}/${e.name}`) : e.isDirectory())),
    );
    const names = (wanted: boolean) =>
      entries
        .filter((_, i) => isFolder[i] === wanted)
        .map((e) => e.name)
        .sort(byText);
    return { path, folders: names(true), files: names(false) };
  } catch (cause) {
    throw cause instanceof FileError ? cause : diskError(`cannot read the folder ${path}`, cause);
  }
}

/** A link that leads nowhere counts as a file, so that the recording behind it is reported when it is read. */
async function isLinkToFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (s) => s.isDirectory(),
    () => false,
  );
}

/** Whether a file's name is that of a recording that can be read. */
export function isRecording(name: string): boolean {
  return /\.(wav|wave|flac|mp3|ogg|oga|opus)$/i.test(name);
}

/** Whether a file's name is that of a recording in a format that cannot be read. */
export function isOtherSound(name: string): boolean {
  return /\.(m4a|aac|aiff?|au|wma|webm|caf|amr|3gp|wv|spx)$/i.test(name);
}

/**
 * Reads a JSON file of a known form.
 *
 * @throws FileError where it cannot be read
 * @throws CorpusError where it is not JSON, or not of that form
 */
export async function readJson<T>(path: string, schema: z.ZodType<T>, expected: string): Promise<T> {
  const text = new TextDecoder().decode(await readBytes(path));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CorpusError({ what: path, expected, got: `no JSON (${(cause as Error).message})`, cause });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue?.path.length ? ` at ${issue.path.join('.')}` : '';
  throw new CorpusError({ what: path, expected, got: `${issue?.message ?? 'something else'}${where}` });
}
