// Which of an Ogg stream's decoded samples are the recording's, by the granule positions of its pages.
import { AudioError } from '../errors.ts';

/** A packet's samples, and the granule position of its page where it is the last that ends there. */
export interface Decoded {
  readonly samples: Float32Array;
  readonly granule: number | undefined;
}

/** Samples that wait for a granule position at most; a page's 255 packets make 1,468,800. */
const MOST_WAITING = 2 ** 23;

/**
 * The recording's samples. Granule positions count from the stream's beginning: what the first page's leaves out comes
 * before the recording; where it counts more, the stream was cut from a longer one. The last page's says where it ends
 * (Vorbis I, A.2; RFC 7845, 4): a page's samples are given when it is known not to be the last.
 *
 * @param skip samples at the beginning that are left out besides
 * @throws AudioError where positions are missing for so long that no encoder does so
 */
export function* betweenGranules(
  decoded: Iterable<Decoded>,
  skip: number,
  name: string,
): Generator<Float32Array> {
  let waiting: Float32Array[] = [];
  let [given, count, pageEnd, last] = [0, 0, 0, 0];
  /** Granule position less samples so far, at the end of the first page. */
  let first: number | undefined;
  /** The same, once another page says that the first is not the last. */
  let offset = 0;
  /** What waits before sample `to`, from where the recording begins. */
  function* giveUpTo(to: number): Generator<Float32Array> {
    const from = Math.max(0, -offset) + skip;
    const parts = waiting;
    waiting = [];
    for (const samples of parts) {
      const part = samples.subarray(Math.max(0, from - given), Math.max(0, to - given));
      if (part.length > 0) yield part;
      if (given + samples.length > to) waiting.push(samples.subarray(Math.max(0, to - given)));
      given += samples.length;
    }
    given = Math.min(given, to);
  }
  for (const { samples, granule = -1 } of decoded) {
    waiting.push(samples);
    count += samples.length;
    if (count - given > MOST_WAITING) {
      const got = `${count - given} samples without a position in time`;
      throw new AudioError({ what: `${name}: the Ogg file is damaged`, got });
    }
    if (granule < 0) continue;
    if (first === undefined) first = granule - count;
    else {
      offset = first;
      yield* giveUpTo(pageEnd);
    }
    [pageEnd, last] = [count, granule];
  }
  yield* giveUpTo(first === undefined ? count : Math.min(count, last - offset));
}
