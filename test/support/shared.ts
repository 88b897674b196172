// Finds the reference data that lies beside the project; where it is missing, says so and skips.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'vitest';

const root = fileURLToPath(new URL('../../../shared/', import.meta.url));

/** Absolute path of a file in ../shared. */
export function sharedPath(path: string): string {
  return root + path;
}

/** A `describe` that needs `../shared/<path>`; where that is missing its body is not run, and a skipped test says why. */
export function describeShared(path: string, name: string, body: () => void): void {
  if (existsSync(sharedPath(path))) describe(name, body);
  else describe(name, () => it.skip(`skipped: ../shared/${path} is not there`));
}
