// node bench/peak.js MODEL.onnx FEEDS.json THREADS: the most memory, in MB, of a process that only runs a model.
import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-node';

const [model, feeds, threads] = process.argv.slice(2);
const options = { intraOpNumThreads: Number(threads), logSeverityLevel: 4 };
const session = await ort.InferenceSession.create(model, options);
const tensors = Object.entries(JSON.parse(readFileSync(feeds, 'utf8'))).map(([name, { dtype, dims }]) => {
  const size = dims.reduce((n, d) => n * d, 1);
  const data = dtype === 'int64' ? new BigInt64Array(size).fill(-1n) : new Float32Array(size).fill(0.5);
  return [name, new ort.Tensor(dtype, data, dims)];
});
for (let i = 0; i < 2; i++) await session.run(Object.fromEntries(tensors));
// maxRSS is in kilobytes.
console.log(Math.round(process.resourceUsage().maxRSS / 1024));
