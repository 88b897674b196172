// Finds files that ship with the package, from the sources and from the built bundle alike.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FileError } from '../errors.ts';

/** The path of a file or folder of the package. @throws FileError where it is not in the installed package */
export function inPackage(...parts: readonly string[]): string {
  const here = fileURLToPath(import.meta.url);
  for (let folder = dirname(here); folder !== dirname(folder); folder = dirname(folder)) {
    const path = join(folder, ...parts);
    if (isPackageRoot(folder) && existsSync(path)) return path;
  }
  throw new FileError({ what: `no ${parts.join('/')} above ${here}`, todo: 'Install the package again.' });
}

function isPackageRoot(folder: string): boolean {
  const file = join(folder, 'package.json');
  return existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as { name?: string }).name === 'earmark';
}
