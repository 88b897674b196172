// npm run bench:relevance [-- METHOD…]: what a relevance map costs, as a multiple of the forward pass in the same run.
import { classifier, initialWeights, parametersOf } from '../src/model/network.ts';
import { compile } from '../src/relevance/compile.ts';
import { parseMethod } from '../src/relevance/method.ts';
import { nodeRuntime } from '../src/runtime/node.ts';
import { int64 } from '../src/runtime/runtime.ts';
import { BATCH, NETWORKS, noise, printTable, timeInTurn } from './networks.ts';

const asked = process.argv.slice(2);
const methods = asked.length
  ? asked
  : ['epsilon', 'gamma', 'epsilon-plus', 'epsilon-plus-flat', 'alpha2-beta1'];

for (const [network, input] of NETWORKS) {
  const model = classifier(network, input, initialWeights(parametersOf(network, input), 1));
  const x = noise([BATCH, ...input]);
  const plain = await nodeRuntime.open(model);
  const actions = [{ name: 'forward', run: () => plain.run({ input: x }) }];
  for (const method of methods) {
    for (const ledger of method === 'epsilon' ? [false, true] : [false]) {
      const explanation = compile(model, { method: parseMethod(method), ledger });
      const session = await nodeRuntime.open(explanation.graph);
      const target = int64(new Array(BATCH).fill(-1));
      actions.push({
        name: ledger ? `${method} + ledger` : method,
        run: () => session.run({ input: x, [explanation.target]: target }),
      });
    }
  }
  printTable(`${network.name}, ${input.join(' × ')}, batch ${BATCH}`, await timeInTurn(actions, 11));
}
