// Names of result files: safe, short, distinct.
import { expect, it } from 'vitest';
import { distinctNames, nameOf } from './names.ts';

it('makes a name of a path', () => {
  expect(nameOf('recordings/4_marcelo_0.wav')).toBe('recordings_4_marcelo_0');
  expect(nameOf('naïve & <b>"x"/a\'b 1.2.wav')).toBe('naïve_b_x_a_b_1.2');
});

it('keeps what file systems take', () => {
  const long = nameOf(`${'𝒳'.repeat(200)}/${'𝒳'.repeat(200)}.wav`);
  expect(long).toBe('𝒳'.repeat(50));
  expect(Buffer.byteLength(`.${long}-10.json.12345678.tmp`)).toBeLessThan(255);
});

it('gives none twice', () => {
  const distinct = distinctNames();
  expect(['a', 'b', 'A', 'a', 'a-2'].map(distinct)).toEqual(['a', 'b', 'A-2', 'a-3', 'a-2-2']);
});
