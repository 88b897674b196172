// Finds Chromium for the tests that need a browser; before all tests it is installed where it is missing and can be.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const INSTALL = ['install', '-y', '--no-install-recommends', 'chromium'];

export const NO_CHROMIUM = `there is no ${NAMES.join(', ')} on the PATH, and installing it takes root and apt-get`;

/** Path of a Chromium or Chrome on the PATH. */
export function findChromium(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find((path) => existsSync(path));
}

/** Vitest's set-up: installs Debian's package where there is none; where that fails, tests are skipped with the reason. */
export default function setup(): void {
  if (findChromium()) return;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    console.warn(`Browser tests are skipped: ${NO_CHROMIUM}`);
    return;
  }
  console.log(`No Chromium found, browser tests need it: apt-get update, apt-get ${INSTALL.join(' ')}`);
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    for (const args of [['update'], INSTALL]) execFileSync('apt-get', args, { stdio: 'pipe', env });
  } catch (error) {
    console.warn(`Chromium could not be installed: ${error instanceof Error ? error.message : error}`);
  }
}
