// Oracle and property: random networks explained by the compiled graph and, in matrix form, by the slow twin; the ledger closes.
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { batchOf, expectTwin, type Setting } from '../../test/support/against-twin.ts';
import { BRANCHES } from '../../test/support/blocks.ts';
import { twinOf } from '../../test/support/lrp-twin.ts';
import { COMPOSITES, CONSERVING, NOT_CONSERVING } from '../../test/support/methods.ts';
import { type Numbers, networks } from '../../test/support/networks.ts';
import { parseComposite } from './composite.ts';
import { parseMethod } from './method.ts';

/** Every method that keeps an account, from the logit and from one, and of one class against another. */
const ACCOUNTS: readonly Setting[] = CONSERVING.flatMap(([text, twin]) => {
  const method = parseMethod(text);
  return [
    { method, twin, start: 'logit' },
    { method, twin, start: 'one' },
    { method, twin, start: 'logit', against: true },
  ] as const;
});

const USERS: readonly Setting[] = COMPOSITES.map(([json, twin]) => ({
  method: parseComposite(json),
  twin,
  start: 'logit',
}));

const GRADIENTS: readonly Setting[] = NOT_CONSERVING.flatMap(([text, twin]) => {
  const method = parseMethod(text);
  return [
    { method, twin, start: 'one' },
    { method, twin, start: 'one', against: true },
  ] as const;
});

/** Of each network, some: all settings are covered many times over the networks. */
const some = (settings: readonly Setting[], count: number) =>
  fc.shuffledSubarray([...settings], { minLength: count, maxLength: count });

type Blocks = Parameters<typeof networks>[1];

describe.each<[string, Numbers, Blocks, number, readonly Setting[], number]>([
  ['methods with a ledger on chains', 'real', undefined, 15, ACCOUNTS, 5],
  ['methods with a ledger on chains', 'quarters', undefined, 15, ACCOUNTS, 5],
  ['methods with a ledger on branches', 'real', BRANCHES, 40, ACCOUNTS, 5],
  ['methods with a ledger on branches', 'quarters', BRANCHES, 15, ACCOUNTS, 5],
  ['composites of a user', 'real', BRANCHES, 12, USERS, 3],
  // A slope has one value at the kinks of real numbers only: quarters would hit them.
  ['methods by the gradient', 'real', BRANCHES, 15, GRADIENTS, 4],
])('%s of %s numbers', (_, numbers, blocks, numRuns, settings, count) => {
  it('agree with the twin, and their ledgers with its and with themselves', async () => {
    await fc.assert(
      fc.asyncProperty(networks(numbers, blocks), some(settings, count), async (network, chosen) => {
        const batch = batchOf(network);
        const twin = twinOf(network.nodes, network.dims);
        for (const setting of chosen) await expectTwin(network, setting, batch, twin);
      }),
      { numRuns, seed: 20, endOnFailure: true },
    );
  }, 180_000);
});
