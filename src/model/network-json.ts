// A network as people write it: JSON or a plain object, checked, each error naming the layer.
import { z } from 'zod';
import { ModelError } from '../errors.ts';
import { ACTIVATIONS, type Layer, type Network } from './layers.ts';

const count = z.int().positive();
const extents = z.union(
  [count, z.array(count).min(1)],
  'expected a whole number from 1 on, or one for each axis',
);
const size = z.array(count).min(1);
const padding = z.union(
  [z.literal('same'), z.literal('valid'), z.array(z.int().nonnegative()).min(1)],
  "expected 'same', 'valid' or whole numbers from 0 on",
);
const pooling = { size, stride: extents.optional(), padding: padding.optional() };

/** Written for the number of classes, which the recordings decide. */
const CLASSES = 'classes';

/** A layer as it is written: a dense layer may have "classes" units. */
type Written = Exclude<Layer, { kind: 'dense' | 'residual' }> | WrittenDense | WrittenResidual;
type WrittenDense = Omit<Extract<Layer, { kind: 'dense' }>, 'units'> & { units: number | typeof CLASSES };
interface WrittenResidual {
  readonly kind: 'residual';
  readonly layers: readonly Written[];
  readonly shortcut?: readonly Written[] | undefined;
}

const layer: z.ZodType<Written> = z.lazy(() =>
  z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('conv'),
      channels: count,
      kernel: size,
      stride: extents.optional(),
      padding: padding.optional(),
      dilation: extents.optional(),
      groups: count.optional(),
      bias: z.boolean().optional(),
    }),
    z.strictObject({ kind: z.literal('batchnorm') }),
    z.strictObject({ kind: z.enum(ACTIVATIONS) }),
    z.strictObject({ kind: z.enum(['maxpool', 'averagepool']), ...pooling }),
    z.strictObject({ kind: z.literal('globalpool'), of: z.enum(['average', 'max']) }),
    z.strictObject({
      kind: z.literal('dropout'),
      rate: z.number().min(0).lt(1),
      channels: z.boolean().optional(),
    }),
    z.strictObject({ kind: z.literal('flatten') }),
    z.strictObject({
      kind: z.literal('dense'),
      units: z.union([count, z.literal(CLASSES)], `expected a whole number from 1 on, or "${CLASSES}"`),
      bias: z.boolean().optional(),
    }),
    z.strictObject({
      kind: z.literal('residual'),
      layers: z.array(layer).min(1),
      shortcut: z.array(layer).optional(),
    }),
  ]),
);

/** Every kind of layer, for errors and documents. */
export const LAYER_NAMES = [
  ...([
    'conv',
    'batchnorm',
    'maxpool',
    'averagepool',
    'globalpool',
    'dropout',
    'flatten',
    'dense',
    'residual',
  ] as const),
  ...ACTIVATIONS,
] as const satisfies readonly Layer['kind'][];

const schema = z.strictObject({ name: z.string().min(1).optional(), layers: z.array(layer).min(1) });

/** A network that is complete once the number of classes is known. */
export type NetworkOf = (classes: number) => Network;

/**
 * Checks a network as people write it: `{"name": "mine", "layers": [{"kind": "conv", "channels": 16, "kernel": [3, 3]},
 * …, {"kind": "dense", "units": "classes"}]}`, with the layers of {@link Layer}.
 *
 * @param where what errors call it, and its name where it has none
 * @throws ModelError naming the layer and what was expected
 */
export function parseNetwork(value: unknown, where = 'network'): NetworkOf {
  const { success, data, error } = schema.safeParse(value);
  if (!success) throw networkError(error.issues[0], value, where);
  const { name = where, layers } = data;
  return (classes) => ({ name, layers: layers.map((written) => settled(written, classes)) });
}

/** Puts the number of classes in. */
function settled(written: Written, classes: number): Layer {
  switch (written.kind) {
    case 'dense':
      return { ...written, units: written.units === CLASSES ? classes : written.units };
    case 'residual':
      return {
        ...written,
        layers: written.layers.map((l) => settled(l, classes)),
        shortcut: written.shortcut?.map((l) => settled(l, classes)),
      };
    default:
      return written;
  }
}

function networkError(issue: z.core.$ZodIssue, value: unknown, where: string): ModelError {
  const path = issue.path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  const what = `${where}${path ? `: ${path.slice(1)}` : ''}`;
  const found = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown>)?.[key], value);
  if (issue.path.at(-1) === 'kind') {
    return new ModelError({ what, expected: `one of ${LAYER_NAMES.join(', ')}`, got: JSON.stringify(found) });
  }
  const got = JSON.stringify(found)?.slice(0, 60);
  const [, expected] = /^expected (.*)$/.exec(issue.message) ?? [];
  return new ModelError(expected ? { what, expected, got } : { what: `${what}: ${issue.message}`, got });
}
