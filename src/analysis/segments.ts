// What a recording is taken for over time: the windows that hear each moment together, and like moments as one.

/** A part of a recording of one class; in samples. */
export interface Segment {
  readonly start: number;
  readonly end: number;
  /** Class of the highest mean probability throughout; null where no window heard anything. */
  readonly label: number | null;
  /** Its mean over the segment's time; null where there is none. */
  readonly probability: number | null;
}

/** A window, and what a model takes it for [classes]; nothing of silent ones. */
export interface HeardWindow {
  readonly start: number;
  readonly end: number;
  readonly probabilities: ArrayLike<number> | null;
}

/**
 * Segments from the first window's start to the last one's end: at each moment the class of the highest mean probability
 * of the windows that hold it.
 *
 * @param windows by their start, of one length and without gaps
 */
export function segmentsOf(windows: readonly HeardWindow[]): Segment[] {
  const bounds = [...new Set(windows.flatMap(({ start, end }) => [start, end]))].sort((a, b) => a - b);
  const segments: Segment[] = [];
  let [from, to] = [0, 0];
  for (const [i, end] of bounds.slice(1).entries()) {
    const start = bounds[i]!;
    while (to < windows.length && windows[to]!.start <= start) to++;
    while (windows[from]!.end <= start) from++;
    const { label, probability } = best(windows.slice(from, to));
    const before = segments.at(-1);
    if (before?.label !== label) segments.push({ start, end, label, probability });
    else segments[segments.length - 1] = joined(before, { start, end, label, probability });
  }
  return segments;
}

function best(windows: readonly HeardWindow[]): Pick<Segment, 'label' | 'probability'> {
  const heard = windows.flatMap(({ probabilities }) => (probabilities ? [probabilities] : []));
  if (heard.length === 0) return { label: null, probability: null };
  const means = Array.from(heard[0]!, (_, k) => heard.reduce((sum, p) => sum + p[k]!, 0) / heard.length);
  const probability = means.reduce((a, b) => Math.max(a, b));
  return { label: means.indexOf(probability), probability };
}

function joined(a: Segment, b: Segment): Segment {
  const [la, lb] = [a.end - a.start, b.end - b.start];
  const probability =
    a.probability === null || b.probability === null
      ? null
      : (la * a.probability + lb * b.probability) / (la + lb);
  return { start: a.start, end: b.end, label: a.label, probability };
}
