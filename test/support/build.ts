// Builds the program once before all tests, where a source is newer than the build, so that tests run what users run.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

export default function build(): void {
  const built = join(root, 'dist/main.js');
  const sources = [
    ...readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .map((name) => join('src', name)),
    'package.json',
    'tsdown.config.ts',
  ];
  const newest = Math.max(...sources.map((name) => statSync(join(root, name)).mtimeMs));
  if (existsSync(built) && statSync(built).mtimeMs > newest) return;
  const tsdown = join(root, 'node_modules/tsdown/dist/run.mjs');
  execFileSync(process.execPath, [tsdown], { cwd: root, stdio: 'pipe' });
}
