// `earmark inspect`: layer by layer, what a method does with a model.
import type { Command } from 'commander';
import { type InspectedNode, inspect } from '../../relevance/inspect.ts';
import type { Frame, Result } from '../frame.ts';
import { methodHelp, methodOption, readMethod } from '../method.ts';
import { descriptionOptions, readClassifier } from '../model.ts';
import { jsonOption } from '../options.ts';
import { table } from '../table.ts';

export interface InspectOptions {
  readonly method: string;
  /** JSON of what the model listens to. */
  readonly features?: string;
}

const HELP = `
Of each node it tells the op, the shape of its output, the rule that relevance
takes through it, and what was merged into what or passes as it is, and why.
Nodes that relevance cannot pass are marked REFUSED; the exit code is 0 all the same.

Example:
  earmark inspect model.onnx --method epsilon-plus`;

export function addInspect(program: Command, { give }: Frame): void {
  const [featuresOption] = descriptionOptions();
  program
    .command('inspect')
    .summary('what a method does at each layer of a model')
    .description('Show, layer by layer, what a method does with a model.')
    .argument('<model>', 'ONNX file of a classifier')
    .addOption(methodOption())
    .addOption(featuresOption)
    .addOption(jsonOption())
    .addHelpText('after', `${methodHelp()}\n${HELP}`)
    .action(async (model: string, options: InspectOptions & { json?: boolean }) =>
      give(await inspectModel(model, options), options.json),
    );
}

/** @throws FileError, ModelError, GraphError, MethodError, FeatureError */
export async function inspectModel(
  path: string,
  { method: methodText, features }: InspectOptions,
): Promise<Result> {
  const method = await readMethod(methodText);
  const { graph, range } = await readClassifier(path, features === undefined ? {} : { features });
  const inspection = inspect(graph, method, range);
  const rows = [['node', 'op', 'shape', 'rule', 'note'], ...inspection.nodes.map(rowOf)];
  const text = [...table(rows), '', summary(inspection.nodes, inspection.method)].join('\n');
  return { text, json: { model: path, ...inspection } };
}

function rowOf({ node, op, shape, rule, note, refused }: InspectedNode): string[] {
  return [node, op, `[${shape.join(', ')}]`, refused ? 'REFUSED' : (rule ?? '-'), note];
}

function summary(nodes: readonly InspectedNode[], method: string): string {
  const ruled = nodes.filter(({ rule }) => rule !== null).length;
  const refused = nodes.filter((node) => node.refused);
  const said = `${nodes.length} nodes, ${ruled} that relevance takes by ${method}`;
  if (refused.length === 0) return `${said}, none refused.`;
  const names = refused.map(({ op, node }) => `${op} "${node}"`).join(', ');
  return `${said}, ${refused.length} REFUSED: ${names}. Name rules for them in a composite (--help).`;
}
