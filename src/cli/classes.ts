// Classes on the command line, as `--target` and `--against` name them: a word, a label, a number, or a file of numbers.
import { FileError, UsageError } from '../errors.ts';
import { readBytes } from '../files/atomic.ts';
import { decodeNpy } from '../files/npy.ts';
import { PREDICTED, RUNNER_UP } from '../relevance/explainer.ts';
import { shownLabels } from './model.ts';

/** Options that name a class, and the word that leaves it to each clip. */
const WORDS = { '--target': ['predicted', PREDICTED], '--against': ['runner-up', RUNNER_UP] } as const;

type ClassOption = keyof typeof WORDS;

/**
 * The class that an option names: a label goes before a number, since labels may be numbers themselves.
 * @throws UsageError
 */
export function classOf(option: ClassOption, text: string, labels: readonly string[]): number {
  const [word, standing] = WORDS[option];
  if (text === word) return standing;
  const named = labels.indexOf(text);
  if (named >= 0) return named;
  if (/^\d+$/.test(text) && Number(text) < labels.length) return Number(text);
  const expected = `${word}, a number from 0 to ${labels.length - 1}, or one of ${shownLabels(labels)}`;
  throw new UsageError({ what: option, expected, got: text });
}

/**
 * The class that an option names for each of `count` clips; numbers are checked when they are used.
 * @param labels where they are known
 * @throws UsageError; FileError where a .npy cannot be read or has another type or shape
 */
export async function classesOf(
  option: ClassOption,
  text: string,
  count: number,
  labels?: readonly string[],
): Promise<number[]> {
  const [word] = WORDS[option];
  if (labels?.includes(text) || text === word)
    return new Array(count).fill(classOf(option, text, labels ?? []));
  if (/^-?\d+$/.test(text)) return new Array(count).fill(Number(text));
  if (!/\.npy$/i.test(text)) {
    throw new UsageError({
      what: option,
      expected: `${word}, ${labels ? `one of ${shownLabels(labels)}, ` : ''}a class from 0, or a .npy file`,
      got: text,
      ...(!labels && { todo: 'For a label, say with --labels FILE what the labels are.' }),
    });
  }
  const { data, shape, dtype } = decodeNpy(await readBytes(text, 'classes'), text);
  if (dtype !== 'int32' && dtype !== 'int64') {
    throw new FileError({ what: `${text}: element type`, expected: 'int32 or int64', got: dtype });
  }
  if (shape.length !== 1 || shape[0] !== count) {
    const got = `[${shape.join(', ')}]`;
    throw new FileError({ what: `${text}: shape`, expected: `[${count}], a class for each clip`, got });
  }
  return Array.from(data, Number);
}

/** @throws UsageError where a class is to be explained against itself */
export function checkContrast(targets: readonly number[], against: readonly number[]): void {
  const same = targets.find((target, i) => target >= 0 && target === against[i]);
  if (same !== undefined) {
    throw new UsageError({
      what: '--against',
      expected: 'another class than --target',
      got: `${same} for both`,
    });
  }
}
