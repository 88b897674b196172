// Optimizers and schedules as typed: the defaults, changes, and what is refused.
import { expect, it } from 'vitest';
import { UsageError } from '../../errors.ts';
import { OPTIMIZERS } from '../../training/optimizers.ts';
import { optimizerFromText, scheduleFromText } from './settings.ts';

it('a name has its defaults, and any amount can be changed', () => {
  expect(optimizerFromText('adamw')).toEqual(OPTIMIZERS.adamw);
  expect(optimizerFromText('sgd:momentum=0.8,nesterov=true')).toEqual({
    ...{ kind: 'sgd', momentum: 0.8, nesterov: true, weightDecay: 0 },
  });
  expect(scheduleFromText('step:every=3', 0.01)).toEqual({
    ...{ kind: 'step', every: 3, factor: 0.5, warmUp: 0, rate: 0.01 },
  });
});

it.each([
  ['adagrad', /unknown optimizer "adagrad": expected sgd, adam, adamw/],
  ['adam:speed=3', /optimizer adam: expected amounts like beta1=0.9,.*got speed=3/],
  ['adam:beta1=much', /got beta1=much/],
  ['sgd:nesterov=1', /got nesterov=1/],
  ['sgd:kind=adam', /got kind=adam/],
])('%s is refused', (text, message) => {
  expect(() => optimizerFromText(text)).toThrow(UsageError);
  expect(() => optimizerFromText(text)).toThrow(message);
});
