// What a corpus is: labelled clips, and who speaks them where that is known.
/** How recordings lie on disk; {@link layouts} says what each looks like. */
export type Layout = 'audiomnist' | 'fsdd' | 'speech-commands' | 'folders' | 'manifest';

/** One labelled recording, on disk or in memory. */
export interface Clip {
  /** The file: the corpus' root, `/`, its path inside. Of a clip in memory, its name. */
  path: string;
  label: string;
  /** `null` where it is not known. */
  speaker: string | null;
  /** What else is known, under the corpus' own names: repetition, gender, accent, … */
  columns: Record<string, string>;
  /** Mono samples of a clip in memory, nominally in [−1, 1]. */
  samples?: Float32Array;
  /** Hz; goes with {@link samples}. */
  sampleRate?: number;
}

/** Labelled recordings in a fixed order. */
export interface Corpus {
  name: string;
  layout: Layout;
  /** Absolute path, `/` between its parts. */
  root: string;
  /** Sorted by path. */
  clips: Clip[];
  /** True where no person spoke: wherever results are shown, say so. */
  synthetic: boolean;
  /** What a user should know about what was read: recordings left out, missing tables, how it was made. */
  note?: string;
  /** The speakers on the test side of the corpus' own split, where a table beside the recordings names them. */
  testSpeakers?: string[];
}

/** The distinct labels: numbers by value, then text by code point. */
export function labelsOf(clips: readonly Clip[]): string[] {
  return [...new Set(clips.map((c) => c.label))].sort(byLabel);
}

/** The distinct known speakers, sorted. */
export function speakersOf(clips: readonly Clip[]): string[] {
  return [...new Set(clips.flatMap((c) => c.speaker ?? []))].sort(byLabel);
}

/** A clip's path inside its corpus. */
export function pathInside(corpus: Corpus, clip: Clip): string {
  return clip.path.startsWith(`${corpus.root}/`) ? clip.path.slice(corpus.root.length + 1) : clip.path;
}

/** Order of code units, the same on every machine and in every locale. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Numbers by value, then text by code point. */
export function byLabel(a: string, b: string): number {
  const [x, y] = [a, b].map((s) => (/^\d+$/.test(s) ? Number(s) : Number.POSITIVE_INFINITY));
  return x === y ? byText(a, b) : x! - y!;
}
