// Finds the reference data that lies beside the project; where it is missing, says so and skips.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';

const root = fileURLToPath(new URL('../../../shared/', import.meta.url));

/** Absolute path of a file in ../shared. */
export function sharedPath(path: string): string {
  return root + path;
}

/** A `describe` that needs `../shared/<path>`; skipped, with the reason in its name, where that is missing. */
export function describeShared(path: string, name: string, body: () => void): void {
  const here = existsSync(sharedPath(path));
  describe.skipIf(!here)(here ? name : `${name} (skipped: ../shared/${path} is not there)`, body);
}
