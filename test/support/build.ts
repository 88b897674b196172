// Builds the program once before all tests, where a source is newer than the build, so that tests run what users run.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export default function build(): void {
  const builder = fileURLToPath(new URL('../../tools/build.js', import.meta.url));
  execFileSync(process.execPath, [builder], { stdio: 'pipe' });
}
