// Refuses what a compiled graph cannot take before it runs: shapes, numbers that are not finite, classes that are none.
import { ModelError } from '../errors.ts';
import type { ValueInfo } from '../graph/types.ts';
import { sizeOf } from '../graph/types.ts';

/** @throws ModelError where data of shape `dims` is no input of a model */
export function checkInput(input: Float32Array, dims: readonly number[], { name, shape }: ValueInfo): void {
  const fits =
    dims.length === shape.length && shape.every((d, i) => i === 0 || typeof d === 'string' || d === dims[i]);
  if (!fits || !dims.every((d) => Number.isInteger(d) && d > 0)) {
    const any = ['N', ...shape.slice(1)].join(', ');
    throw new ModelError({
      what: `shape of the input "${name}"`,
      expected: `[${any}]${fits ? ', with at least one clip' : ''}`,
      got: `[${dims.join(', ')}]`,
    });
  }
  if (input.length !== sizeOf(dims)) {
    throw new ModelError({
      what: `input "${name}" does not fill its shape [${dims.join(', ')}]`,
      expected: `${sizeOf(dims)} numbers`,
      got: `${input.length}`,
    });
  }
  const bad = input.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) {
    const clip = Math.floor(bad / (input.length / dims[0]));
    throw new ModelError({
      what: `clip ${clip} of the input "${name}"`,
      expected: 'finite numbers',
      got: `${input[bad]}`,
    });
  }
}

/** @param standing what −1 stands for @throws ModelError where one of `count` classes is none of the model's */
export function checkClasses(
  name: string,
  given: ArrayLike<number>,
  count: number,
  classes: number,
  standing: string,
): void {
  if (given.length !== count) {
    throw new ModelError({ what: `${name}s`, expected: `${count}, one a clip`, got: `${given.length}` });
  }
  const bad = Array.from(given).find((t) => !Number.isInteger(t) || t < -1 || t >= classes);
  if (bad !== undefined) {
    throw new ModelError({
      what: name,
      expected: `a class from 0 to ${classes - 1}, or -1 for ${standing}`,
      got: `${bad}`,
    });
  }
}
