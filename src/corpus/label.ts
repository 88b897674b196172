// Which of the things known about recordings is the class: the layout's own, or the speaker, or any other column.
import { CorpusError } from '../errors.ts';
import { type Clip, type Layout, labelsOf } from './clip.ts';

/** What the classes of a layout are called. */
const OWN: Readonly<Record<Layout, string>> = {
  audiomnist: 'digit',
  fsdd: 'digit',
  'speech-commands': 'word',
  folders: 'class',
  manifest: 'label',
};
/** Columns that go by two names: AudioMNIST's table says gender. */
const SYNONYM: Readonly<Record<string, string>> = { sex: 'gender', gender: 'sex' };

/** Clips whose class is another column, and the paths of those that have no value of it. */
export interface Labelled {
  clips: Clip[];
  leftOut: string[];
}

/**
 * Clips with the values of a column as their classes; the class they had becomes a column, by its layout's name (digit, word,
 * class). `speaker` is a column, too.
 *
 * @throws CorpusError where no clip has the column, or all have the same value
 */
export function labelledBy(clips: readonly Clip[], layout: Layout, column: string): Labelled {
  const own = OWN[layout];
  if (column === own) return { clips: [...clips], leftOut: [] };
  const columns = [...new Set(clips.flatMap((clip) => Object.keys(clip.columns)))];
  const name = columns.includes(column) ? column : (SYNONYM[column] ?? column);
  const labelled: Labelled = { clips: [], leftOut: [] };
  for (const clip of clips) {
    const { [name]: value, ...others } = clip.columns;
    const label = name === 'speaker' ? clip.speaker : value;
    if (label) labelled.clips.push({ ...clip, label, columns: { ...others, [own]: clip.label } });
    else labelled.leftOut.push(clip.path);
  }
  const labels = labelsOf(labelled.clips);
  if (labels.length >= 2) return labelled;
  const there = [own, ...(clips.some(({ speaker }) => speaker !== null) ? ['speaker'] : []), ...columns];
  throw new CorpusError({
    what: `classes by the column '${column}'`,
    expected: 'a column with two values or more',
    got: labels.length === 1 ? `one value, '${labels[0]}'` : `the columns ${there.join(', ')}`,
    todo: 'Name one with --label.',
  });
}
