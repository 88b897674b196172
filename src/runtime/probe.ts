// Asks in a process of its own whether WebGPU computes here: drivers print to standard error, and some crash.
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { encodeOnnx } from '../graph/onnx.ts';
import { doubling } from './webgpu.ts';

/** Milliseconds. */
const TIME_LIMIT = 30_000;

/** argv: onnxruntime-node, a graph in base64. Prints what 2·21 is, or why it cannot be computed. */
const SCRIPT = `
const [path, graph] = process.argv.slice(1);
const { InferenceSession, Tensor } = require(path);
const options = { executionProviders: ['webgpu'], logSeverityLevel: 4 };
InferenceSession.create(Buffer.from(graph, 'base64'), options)
  .then((session) => session.run({ x: new Tensor('float32', [21], [1]) }))
  .then(({ y }) => String(y.data[0]), (error) => error.message)
  .then((said) => process.stdout.write(said, () => process.exit()));
`;

/** Why WebGPU cannot be used on this machine, in few words; undefined where it can. */
export async function whyNoWebgpu(): Promise<string | undefined> {
  const path = createRequire(import.meta.url).resolve('onnxruntime-node');
  const graph = Buffer.from(encodeOnnx(doubling())).toString('base64');
  const [said, signal] = await new Promise<[string, string | undefined]>((resolve) => {
    const run = [process.execPath, ['-e', SCRIPT, path, graph], { timeout: TIME_LIMIT }] as const;
    execFile(...run, (error, stdout) => resolve([stdout.trim(), error?.signal ?? undefined]));
  });
  if (said === '42') return undefined;
  if (said === '') return signal ? `its driver ended with ${signal}` : 'its driver ended the process';
  const [, reason = said] = /adapter: (.+)/i.exec(said) ?? [];
  return reason;
}
