// A user's own method: which rule each layer takes, by its kind, name or position.
import { z } from 'zod';
import { MethodError } from '../errors.ts';
import { LAYER_KINDS } from './kinds.ts';
import { type Clause, type Method, parseMethod, parseTreatment } from './method.ts';

const kind = z.enum(LAYER_KINDS);

const schema = z.strictObject({
  /** What pictures and files call the method. */
  name: z.string().min(1).default('composite'),
  /** A method that says what the rules here leave open; LRP's defaults for layers without weights do in any case. */
  base: z.string().optional(),
  start: z.enum(['logit', 'one']).optional(),
  rules: z
    .array(
      z
        .strictObject({
          kind: z
            .union([kind, z.array(kind).min(1)], `expected one or several of ${LAYER_KINDS.join(', ')}`)
            .optional(),
          name: z.string().min(1).optional(),
          position: z
            .union([z.literal('first'), z.literal('last'), z.int()], 'expected first, last or a whole number')
            .optional(),
          rule: z.string().min(1),
        })
        .refine(
          (r) => r.kind !== undefined || r.name !== undefined || r.position !== undefined,
          'a kind, name or position says which layers the rule is for',
        ),
    )
    .min(1),
});

/**
 * A method as users write it in JSON or TypeScript. The first of `rules` that fits a layer counts:
 * `kind` (one or several of convolution, dense, average, sum, affine, activation, max, product, rearrangement, other),
 * `name` (of the node, `*` for any text) and `position` among the layers with weights ('first', 'last', a number from 0, or
 * from the end, from −1) must all fit. `rule` is written as for {@link parseMethod}: `gamma:gamma=0.1`.
 */
export type Composite = z.input<typeof schema>;

/**
 * Reads a composite.
 * @param where what to call it in errors
 * @throws MethodError where a key, kind or rule is unknown, or a parameter out of range
 * @example parseComposite({ rules: [{ position: 'first', rule: 'flat' }, { kind: 'convolution', rule: 'gamma' }, { kind: 'dense', rule: 'epsilon' }] })
 */
export function parseComposite(value: unknown, where = 'composite'): Method {
  const { success, data, error } = schema.safeParse(value);
  if (!success) {
    const [issue] = error.issues;
    throw new MethodError({
      what: `${where}: ${issue.path.join('.') || 'value'}: ${issue.message}`,
      todo: 'Write {"rules": [{"kind": "convolution", "rule": "gamma:gamma=0.1"}, …]}.',
    });
  }
  const base =
    data.base === undefined ? undefined : saying(`${where}: base`, () => parseMethod(data.base as string));
  if (base?.loop)
    throw new MethodError({ what: `${where}: base "${data.base}"`, expected: 'a method of one pass' });
  const own = data.rules.map(
    ({ kind, rule, name, position }, i): Clause => ({
      ...(kind && { kinds: [kind].flat() }),
      ...(name !== undefined && { name }),
      ...(position !== undefined && { position }),
      treatment: saying(`${where}: rules.${i}`, () => parseTreatment(rule)),
    }),
  );
  return {
    name: data.name,
    clauses: [...own, ...(base?.clauses ?? [])],
    start: data.start ?? base?.start ?? 'logit',
    timesInput: base?.timesInput ?? false,
  };
}

/** Says in errors where the method or rule that is read stands. */
function saying<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof MethodError)) throw error;
    throw new MethodError({ ...error.parts, what: `${where}: ${error.parts.what}` });
  }
}
