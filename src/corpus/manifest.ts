// Manifests: a CSV, TSV or JSONL file with a line for each recording, its path, its class and whatever else is known.
import { isAbsolute, resolve } from 'node:path';
import { parse } from 'csv-parse/sync';
import { CorpusError } from '../errors.ts';
import { readBytes } from '../files/atomic.ts';
import { byText, type Clip, type Corpus, labelsOf } from './clip.ts';

/** Which columns say what. */
export interface ManifestOptions {
  /** The class ('label'). */
  label?: string;
}

/** A line of a manifest, and where it begins. */
interface Row {
  line: number;
  columns: Record<string, string>;
}

/** What the column of the recordings is called, in the order of preference; capitals do not matter, as in all names. */
const PATHS = ['path', 'file', 'filename', 'file_name', 'filepath', 'file_path'];

/** Whether a path is that of a manifest, by its name. */
export function isManifest(path: string): boolean {
  return /\.(csv|tsv|jsonl|ndjson)$/i.test(path);
}

/**
 * Loads a manifest: `path` (or `file`, `filename`, …) is relative to its folder, `speaker` may be there, all other columns are
 * kept by their names.
 *
 * @throws FileError where it cannot be read
 * @throws CorpusError where a line cannot be understood (it is named, and the column), a recording is named twice, or there
 *   are fewer than two classes
 */
export async function loadManifest(path: string, { label = 'label' }: ManifestOptions = {}): Promise<Corpus> {
  const file = resolve(path).replaceAll('\\', '/');
  const text = decode(await readBytes(path, 'manifest'), path);
  const rows = /\.[ct]sv$/i.test(path) ? csvRows(text, path) : jsonRows(text, path);
  const root = file.slice(0, file.lastIndexOf('/'));
  const seen = new Map<string, number>();
  const clips = rows.map(({ line, columns }): Clip => {
    const others = { ...columns };
    const take = (names: readonly string[]) => {
      const column = names.flatMap((name) => nameIn(others, name) ?? [])[0];
      if (column === undefined) return undefined;
      const { [column]: value } = others;
      delete others[column];
      return value;
    };
    const need = (names: readonly string[], todo: string) => {
      const value = take(names);
      if (value) return value;
      const got = value === undefined ? `the columns ${Object.keys(columns).join(', ')}` : 'nothing';
      throw fault(path, line, `a column '${names[0]}' with a value`, got, todo);
    };
    const name = need(PATHS, `The column of the recordings is called ${PATHS.join(', ')}.`);
    const named = need([label], 'Name the column of the classes with --label.');
    const clip = {
      path: place(root, name),
      label: named,
      // Who speaks is known, too, where that is what is to be told.
      speaker: /^speaker$/i.test(label) ? named : take(['speaker']) || null,
      columns: others,
    };
    const before = seen.get(clip.path);
    if (before !== undefined)
      throw fault(path, line, 'each recording once', `${name} as in line ${before}, too`);
    seen.set(clip.path, line);
    return clip;
  });
  if (labelsOf(clips).length < 2) {
    throw new CorpusError({
      what: `${path}: there is nothing to tell apart`,
      expected: `recordings of two classes or more in the column '${label}'`,
      got: clips.length === 0 ? 'no line' : `${clips.length} of one, '${clips[0]!.label}'`,
    });
  }
  const name = file.slice(root.length + 1).replace(/\.\w+$/, '');
  return {
    name,
    layout: 'manifest',
    root,
    clips: clips.sort((a, b) => byText(a.path, b.path)),
    synthetic: false,
  };
}

/** A column's name as it is written: the same, or else the same but for capitals. */
function nameIn(columns: Record<string, string>, name: string): string | undefined {
  if (Object.hasOwn(columns, name)) return name;
  return Object.keys(columns).find((column) => column.toLowerCase() === name.toLowerCase());
}

function place(root: string, name: string): string {
  return (isAbsolute(name) ? resolve(name) : resolve(root, name)).replaceAll('\\', '/');
}

/** UTF-8, with or without a byte order mark. */
function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new CorpusError({
      what: path,
      expected: 'text in UTF-8',
      got: 'other bytes',
      todo: 'Save it as UTF-8.',
      cause,
    });
  }
}

/** What the parser gives with `info`. */
interface CsvRecord {
  record: string[];
  info: { lines: number };
}

/**
 * Comma-separated values with a line of names first; quotes, `""` in them, and line ends of any system (RFC 4180). What
 * spreadsheets make of it is taken, too: semicolons or tabs, lines without values, and columns without a name.
 */
function csvRows(text: string, path: string): Row[] {
  let records: CsvRecord[];
  try {
    const options = {
      delimiter: delimiterOf(text),
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      trim: true,
    } as const;
    records = parse(text, options) as unknown as CsvRecord[];
  } catch (cause) {
    const { message, lines } = cause as Error & { lines?: number };
    throw fault(path, lines ?? 1, 'comma-separated values', message);
  }
  const [head, ...rest] = records;
  if (!head) return [];
  const names = head.record;
  const twice = names.find((name, i) => name !== '' && names.indexOf(name) < i);
  if (twice !== undefined) throw fault(path, head.info.lines, 'each column once', `'${twice}' twice`);
  return rest.map(({ record, info: { lines: line } }) => {
    if (record.length !== names.length) throw fault(path, line, `${names.length} values`, `${record.length}`);
    const columns = names.flatMap((name, i) => (name === '' ? [] : [[name, record[i]!]]));
    return { line, columns: Object.fromEntries(columns) };
  });
}

/** What there is most of in the first line: commas, semicolons or tabs. */
function delimiterOf(text: string): string {
  const [head = ''] = text.split(/[\r\n]/, 1);
  const count = (mark: string) => head.split(mark).length;
  return [',', ';', '\t'].reduce((best, mark) => (count(mark) > count(best) ? mark : best));
}

/** A JSON object to a line; its values are text, numbers, booleans or null. */
function jsonRows(text: string, path: string): Row[] {
  return text.split(/\r?\n/).flatMap((json, i) => {
    const line = i + 1;
    if (json.trim() === '') return [];
    let value: unknown;
    try {
      value = JSON.parse(json);
    } catch (cause) {
      throw fault(path, line, 'a JSON object', (cause as Error).message);
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw fault(path, line, 'a JSON object', JSON.stringify(value).slice(0, 40));
    }
    const columns = Object.entries(value).map(([name, v]) => {
      if (v === null) return [name, ''];
      if (typeof v === 'object')
        throw fault(path, line, `text or a number in '${name}'`, 'an object or a list');
      return [name, String(v)];
    });
    return [{ line, columns: Object.fromEntries(columns) }];
  });
}

function fault(path: string, line: number, expected: string, got: string, todo?: string): CorpusError {
  return new CorpusError({ what: `${path}, line ${line}`, expected, got, todo });
}
