// Golden: the rule of Speech Commands' parts against speakers of version 0.02's validation_list.txt and testing_list.txt.
import { expect, it } from 'vitest';
import { partBySpeaker } from './speech-commands.ts';

it.each([
  ['validation', ['8b775397', '2643992f', '060cd039', 'f5e5e8b0', 'dbb40d24', 'fde2dee7', '16db1582']],
  ['testing', ['2aa787cf', 'ffa76c4a', '24ad3ebe', '0ea0e2f4', 'f264e0df', '8fe52b97', 'd7467392']],
])('%s', (part, speakers) => {
  expect(speakers.map(partBySpeaker)).toEqual(speakers.map(() => part));
});

it('gives a tenth of the speakers to each', () => {
  const parts = Array.from({ length: 10_000 }, (_, i) => partBySpeaker(i.toString(16).padStart(8, '0')));
  for (const part of ['validation', 'testing']) {
    // A binomial's standard deviation is 30.
    expect(Math.abs(parts.filter((p) => p === part).length - 1000)).toBeLessThan(120);
  }
});
