// Builds dist/ where a source is newer than it: as npm's `prepare` after `npm ci` and before packing, and before tests.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const tsdown = join(root, 'node_modules/tsdown/dist/run.mjs');
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => join('src', name));
const changed = (name) => statSync(join(root, name)).mtimeMs;
const newest = Math.max(...[...sources, 'package.json', 'tsdown.config.ts'].map(changed));
const isBuilt = existsSync(join(root, 'dist/main.js')) && changed('dist/main.js') > newest;
// `npx earmark` runs `prepare` when it first links this checkout; should that fail, npx would fail ever after.
const isLinking = process.env.npm_command === 'exec' && process.env.npm_lifecycle_event === 'prepare';
if (!isBuilt && !isLinking) execFileSync(process.execPath, [tsdown], { cwd: root, stdio: 'inherit' });
