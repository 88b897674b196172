// What a command and the frame around it agree on: how it is added, what it may say on the way, what it gives.
import type { Command } from 'commander';
import type { Progress } from './progress.ts';

/** Where a command tells what happens while it runs: standard error. */
export interface Terminal {
  /** Prints a line, such as a warning. */
  note(line: string): void;
  readonly progress: Progress;
}

/** What a command gives: on standard output as `text`, or with `--json` as `json`. */
export interface Result {
  readonly text: string;
  readonly json: unknown;
  /** True where a part could not be done and was reported; the exit code is then 1. */
  readonly incomplete?: boolean;
}

export interface Frame {
  readonly terminal: Terminal;
  /** Prints a command's result; its last act. */
  give(result: Result, asJson: boolean | undefined): void;
}

/** Adds a command to the program. */
export type AddCommand = (program: Command, frame: Frame) => void;
