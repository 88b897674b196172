// Builds dist/ where a source is newer than it. As npm's `prepare` it runs after `npm ci`, before packing, and when `npx
// earmark` first links this checkout: then it must be quick, and must not fail where nothing is installed yet.
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
if (!isBuilt && existsSync(tsdown)) execFileSync(process.execPath, [tsdown], { cwd: root, stdio: 'inherit' });
