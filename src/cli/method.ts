// `--method` and `--start` on the command line: a name with its parameters or a composite's file, and help on all of them.
import { Help, Option } from 'commander';
import { parseComposite } from '../relevance/composite.ts';
import { DEFAULT_METHOD, METHOD_GROUPS, type Method, methods, parseMethod } from '../relevance/method.ts';
import { readJson } from './model.ts';

/**
 * Reads a method as it is written: `NAME[:key=value,…]`, or the path of a composite's .json.
 * @throws MethodError; FileError where a file cannot be read
 */
export async function readMethod(text: string): Promise<Method> {
  return /\.json$/i.test(text) ? parseComposite(await readJson(text, 'method'), text) : parseMethod(text);
}

export function methodOption(): Option {
  return new Option('--method <method>', 'NAME[:key=value,…] from the list below, or FILE.json').default(
    DEFAULT_METHOD,
  );
}

/** `--start`: what the one-hot of the target is multiplied by. */
export function startOption(): Option {
  return new Option(
    '--start <what>',
    "start the relevance at the target's logit, or at one (default: the method's own: logit for rules of LRP, one for gradients and excitation-backprop)",
  ).choices(['logit', 'one']);
}

const GROUPS = {
  preset: 'Presets (LRP):',
  rule: 'One rule on every Conv, ConvTranspose, Gemm and MatMul (LRP):',
  gradient: 'Gradients:',
  loop: 'Many runs:',
} as const;

const COMPOSITE = `
A composite of your own, in FILE.json:
  {"name": "mine", "base": "epsilon-plus", "rules": [
    {"position": "first", "rule": "zbox:low=0,high=1"},
    {"kind": "convolution", "name": "block1*", "rule": "gamma:gamma=0.1"},
    {"kind": "activation", "rule": "pass"}]}
The first of the rules that fits a layer counts, then those of the base. A layer
is chosen by kind (convolution, dense, average, sum, affine, activation, max,
product, rearrangement, other), by name (of its node, * for any text) and by
position among the layers with weights (first, last, or a number from 0 or -1).
\`earmark inspect\` shows what each layer comes to.`;

/** All methods with their parameters, for help texts: laid out as commander's own lists. */
export function methodHelp(): string {
  const known = methods();
  const width = Math.max(...known.map((m) => m.name.length));
  const layout = new Help();
  const groups = METHOD_GROUPS.flatMap((group) => [
    '',
    GROUPS[group],
    ...known
      .filter((m) => m.group === group)
      .map(({ name, about, parameters }) =>
        layout.formatItem(name, width, [about, parameters.join(', ')].filter(Boolean).join('; '), layout),
      ),
  ]);
  return [...groups, COMPOSITE].join('\n');
}
