// Runs graphs with onnxruntime-node.
import * as ort from 'onnxruntime-node';
import { GraphError } from '../errors.ts';
import { encodeOnnx } from '../graph/onnx.ts';
import type { Graph } from '../graph/types.ts';
import type { Runtime, RuntimeTensor, Session, SessionOptions, Tensors } from './runtime.ts';

/** Errors are thrown, and said once; what the runtime warns of (a folded node, an unused constant) helps no reader. */
const LOG_FATAL = 4;

export const nodeRuntime: Runtime = {
  async open(graph: Graph, options: SessionOptions = {}): Promise<Session> {
    const session = await refusing(graph.name, () =>
      ort.InferenceSession.create(encodeOnnx(graph), {
        logSeverityLevel: LOG_FATAL,
        ...(options.threads && { intraOpNumThreads: options.threads }),
      }),
    );
    return {
      async run(feeds: Tensors, fetches?: Tensors, also: readonly string[] = []) {
        const given = wrap(feeds);
        const wanted = fetches && {
          ...wrap(fetches),
          ...Object.fromEntries(also.map((name) => [name, null])),
        };
        const results = await refusing(graph.name, () =>
          wanted ? session.run(given, wanted) : session.run(given),
        );
        return Object.fromEntries(Object.entries(results).map(([name, t]) => [name, unwrap(t)]));
      },
      release: () => session.release(),
    };
  },
};

function wrap(tensors: Tensors): Record<string, ort.Tensor> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, t]) => [name, new ort.Tensor(t.dtype, t.data as never, t.dims)]),
  );
}

function unwrap(t: ort.Tensor): RuntimeTensor {
  return { dtype: t.type as RuntimeTensor['dtype'], dims: t.dims, data: t.data as RuntimeTensor['data'] };
}

async function refusing<T>(name: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new GraphError({ what: `ONNX Runtime refuses graph "${name}"`, got: reason, cause });
  }
}
