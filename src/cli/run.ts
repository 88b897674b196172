// Runs a command line and says how it ended: results on standard output, one line on standard error for what is wrong.
import { CommanderError } from 'commander';
import { describeError } from './describe.ts';
import type { Frame } from './frame.ts';
import { buildProgram } from './program.ts';
import { type ProgressStream, progressOn } from './progress.ts';

/** What a run writes to and is told by; a process is one. */
export interface Surroundings {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: ProgressStream;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Runs `earmark` with its arguments; never throws.
 * @returns the exit code: 0, or 1 where something is wrong
 */
export async function run(argv: readonly string[], { stdout, stderr, env }: Surroundings): Promise<number> {
  const progress = progressOn(stderr);
  let code = 0;
  const frame: Frame = {
    terminal: {
      note(line) {
        progress.clear();
        stderr.write(`${line}\n`);
      },
      progress,
    },
    give({ text, json, incomplete = false }, asJson = false) {
      progress.stop();
      const output = asJson ? JSON.stringify(json, null, 2) : text;
      if (output !== '') stdout.write(`${output}\n`);
      if (incomplete) code = 1;
    },
  };
  try {
    const program = buildProgram(frame, {
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: () => {}, // reported below, like every other error
    });
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    progress.stop();
    if (isHelp(error)) return error.exitCode;
    stderr.write(`${describeError(error)}\n`);
    if (env.EARMARK_DEBUG && error instanceof Error) stderr.write(`${error.stack}\n`);
    return 1;
  }
  return code;
}

/** Help and version are printed by the time they are thrown. */
function isHelp(error: unknown): error is CommanderError {
  return error instanceof CommanderError && /^commander\.(help|version)/.test(error.code);
}
