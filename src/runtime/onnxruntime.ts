// What the builds of ONNX Runtime have in common: their sessions as ours, their errors as GraphErrors.
import type * as ort from 'onnxruntime-node';
import { GraphError } from '../errors.ts';
import { encodeOnnx } from '../graph/onnx.ts';
import type { Graph } from '../graph/types.ts';
import type { RuntimeTensor, Session, Tensors } from './runtime.ts';

/** A build of ONNX Runtime; all share the classes of onnxruntime-common. */
export type OnnxRuntime = Pick<typeof ort, 'InferenceSession' | 'Tensor'>;

/** Errors are thrown, and said once; what the runtime warns of (a folded node, an unused constant) helps no reader. */
const LOG_FATAL = 4;

/**
 * Opens a graph in a build of ONNX Runtime.
 * @param bytes the graph as an .onnx file
 * @throws GraphError where it refuses the graph
 */
export async function openSession(
  { InferenceSession, Tensor }: OnnxRuntime,
  graph: Graph,
  options: ort.InferenceSession.SessionOptions,
  bytes = encodeOnnx(graph),
): Promise<Session> {
  const wrap = (tensors: Tensors) =>
    Object.fromEntries(
      Object.entries(tensors).map(([name, t]) => [name, new Tensor(t.dtype, t.data as never, t.dims)]),
    );
  const refusing = async <T>(act: () => Promise<T>): Promise<T> => {
    try {
      return await act();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new GraphError({ what: `ONNX Runtime refuses graph "${graph.name}"`, got: reason, cause });
    }
  };
  const session = await refusing(() =>
    InferenceSession.create(bytes, { logSeverityLevel: LOG_FATAL, ...options }),
  );
  return {
    run: (feeds: Tensors, fetches?: Tensors, also: readonly string[] = []) =>
      refusing(async () => {
        const results = await (fetches
          ? session.run(wrap(feeds), {
              ...wrap(fetches),
              ...Object.fromEntries(also.map((name) => [name, null])),
            })
          : session.run(wrap(feeds)));
        return Object.fromEntries(Object.entries(results).map(([name, t]) => [name, unwrap(t)]));
      }),
    release: () => refusing(() => session.release()),
  };
}

function unwrap(t: ort.Tensor): RuntimeTensor {
  return { dtype: t.type as RuntimeTensor['dtype'], dims: t.dims, data: t.data as RuntimeTensor['data'] };
}
