// The float64 interpreter as a runtime: what the contract says of the others holds for the slow twin, too.
import { GraphError } from '../../src/errors.ts';
import { type Array64, array64, interpret } from '../../src/graph/interpret.ts';
import type { Graph, ValueInfo } from '../../src/graph/types.ts';
import { verify } from '../../src/graph/verify.ts';
import type { Runtime, RuntimeTensor, Tensors } from '../../src/runtime/runtime.ts';

export const interpreter: Runtime = {
  device: 'cpu',
  async open(graph: Graph) {
    verify(graph);
    let open = true;
    return {
      async run(feeds: Tensors, fetches?: Tensors, also: readonly string[] = []) {
        if (!open) throw new GraphError(`graph "${graph.name}" was released`);
        for (const input of graph.inputs) check(input, feeds[input.name]);
        const given = Object.fromEntries(graph.inputs.map(({ name }) => [name, doubles(feeds[name])]));
        const wanted = fetches && [...Object.keys(fetches), ...also];
        const results = Object.entries(interpret(graph, given, wanted));
        return Object.fromEntries(results.map(([name, r]) => [name, rounded(r, fetches?.[name])]));
      },
      async release() {
        open = false;
      },
    };
  },
};

function check({ name, dtype, shape }: ValueInfo, t: RuntimeTensor | undefined): void {
  const fits =
    t?.dtype === dtype &&
    t.dims.length === shape.length &&
    shape.every((d, i) => typeof d === 'string' || d === t.dims[i]);
  if (!fits) throw new GraphError({ what: `input "${name}"`, expected: `${dtype} [${shape}]` });
}

function doubles({ data, dims, dtype }: RuntimeTensor): Array64 {
  return array64(Float64Array.from(data as ArrayLike<number>, Number), dims, dtype);
}

/** In the array type of the runtimes; floats stay double, so that they can be compared with. */
function rounded({ data, dims, dtype }: Array64, into?: RuntimeTensor): RuntimeTensor {
  const whole = { int64: () => BigInt64Array.from(data, BigInt), bool: () => Uint8Array.from(data) };
  const values = dtype === 'int64' || dtype === 'bool' ? whole[dtype]() : data;
  into?.data.set(values as never);
  return into ?? { dtype, dims, data: values };
}
