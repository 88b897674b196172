#!/usr/bin/env node
// Starts the built program; a checkout that is not built says so.
import { existsSync } from 'node:fs';

const program = new URL('../dist/main.js', import.meta.url);
if (existsSync(program)) {
  await import(program.href);
} else {
  console.error('earmark: this checkout is not built. Run `npm ci` in it.');
  process.exitCode = 1;
}
