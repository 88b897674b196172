// A progress bar on standard error, where that is a terminal; anywhere else a line now and then.
import { Presets, SingleBar } from 'cli-progress';
import { duration } from '../audio/limits.ts';

export interface Progress {
  /** Shows an empty bar of `total` steps. */
  start(total: number, label: string): void;
  /** @param note what else is worth knowing now, such as the accuracy so far */
  update(done: number, note?: string): void;
  /** Takes the bar away. */
  stop(): void;
  /** Takes the bar out of the way of a line of text; the next update draws it again. */
  clear(): void;
  /** Prints a line where no bar is drawn, so that a log shows how far long work is. */
  log(line: string): void;
}

/** A stream, and whether somebody watches it. */
export type ProgressStream = NodeJS.WritableStream & { readonly isTTY?: boolean };

/** Goes to the start of the line and erases it. */
const ERASE_LINE = '\r\x1b[K';

/** The time left; while there is nothing to tell it by, cli-progress has words here ('0', 'INF', 'NULL'). */
const formatTime = (left: unknown) => (typeof left === 'number' ? duration(left) : '?');

export function progressOn(stream: ProgressStream): Progress {
  if (!stream.isTTY) {
    return { start() {}, update() {}, stop() {}, clear() {}, log: (line) => stream.write(`${line}\n`) };
  }
  const format = '{label} {bar} {value}/{total}  {eta_formatted} left  {note}';
  // linewrap: leaves the terminal's own wrapping on, which Ctrl-C would otherwise leave off; lines are cut to its width.
  let bar: SingleBar | undefined;
  const stop = () => {
    bar?.stop();
    bar = undefined;
  };
  return {
    start(total, label) {
      stop();
      const options = { stream, format, clearOnComplete: true, barsize: 24, linewrap: true, formatTime };
      bar = new SingleBar(options, Presets.shades_classic);
      bar.start(total, 0, { label, note: '' });
    },
    update(done, note) {
      bar?.update(done, note === undefined ? {} : { note });
    },
    stop,
    clear() {
      if (bar) stream.write(ERASE_LINE);
    },
    log() {},
  };
}
