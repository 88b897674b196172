// Property of the project: every package in the lock file has a licence that a user of an MIT project can live with.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** SPDX identifiers that are fine; all others fail, GPL, LGPL and AGPL among them. */
const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC-BY-4.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MPL-2.0',
  'Python-2.0',
  'Unlicense',
]);

/** Packages that may stay although their licence is not in the list, each with the reason. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  h5wasm: "NIST's notice, which allows all and asks to be kept, and HDF5's BSD licence of three clauses",
};

interface Package {
  version?: string;
  license?: unknown;
  licenses?: unknown;
}

/** Whether an SPDX expression can be met: `A OR B` by either, `A AND B` by both. */
function isAllowed(expression: string): boolean {
  const plain = expression.replace(/^\((.*)\)$/, '$1').trim();
  if (plain.includes(' OR ')) return plain.split(' OR ').some(isAllowed);
  if (plain.includes(' AND ')) return plain.split(' AND ').every(isAllowed);
  return ALLOWED.has(plain);
}

/** The licence that a package states itself, or its entry in the lock file does (other systems' binaries). */
function licenceOf(path: string, locked: Package): string {
  const file = join(root, path, 'package.json');
  const own: Package = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const stated = own.license ?? own.licenses ?? locked.license ?? 'none stated';
  return typeof stated === 'string' ? stated : JSON.stringify(stated);
}

it.each([
  ['MIT', true],
  ['(MIT OR GPL-2.0)', true],
  ['(Apache-2.0 AND BSD-3-Clause)', true],
  ['MIT AND LGPL-3.0-or-later', false],
  ['AGPL-3.0-only', false],
  ['SEE LICENSE IN LICENSE.md', false],
])('%s is allowed: %s', (expression, allowed) => {
  expect(isAllowed(expression)).toBe(allowed);
});

it('no package has another licence', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const packages = Object.entries(lock.packages as Record<string, Package>).filter(([path]) => path !== '');
  expect(packages.length).toBeGreaterThan(50);
  const refused = packages
    .map(([path, locked]) => ({
      name: path.replace(/^.*node_modules\//, ''),
      licence: licenceOf(path, locked),
    }))
    .filter(({ name, licence }) => !isAllowed(licence) && !(name in EXCEPTIONS))
    .map(({ name, licence }) => `${name}: ${licence}`);
  expect(refused).toEqual([]);
});
